/**
 * The one description from which both a zod schema and a TypeScript type are printed, so that the two cannot disagree.
 * A shape says what a value looks like in JSON; whether it may be null stands beside it, in the member or column.
 */

/** A rule about a text. Lengths are in code points or UTF-8 bytes, as in Postgres. */
export type TextRule =
  | { rule: 'codePoints' | 'bytes'; min?: number; max?: number }
  | { rule: 'matches'; source: string; isNegated: boolean }
  | { rule: 'format'; format: 'date' | 'date-time' | 'uri' | 'uuid' }

/** Bounds of a number. `above` and `below` exclude the bound itself. */
export type NumberBounds = { min?: number; max?: number; above?: number; below?: number }

/** A value that JSON can hold and that is not a container. */
export type Scalar = string | number | boolean | null

/** A property of an object. */
export type Member = { name: string; shape: Shape; isNullable: boolean; isOptional: boolean; doc: string }

/** What a value looks like. */
export type Shape =
  | { kind: 'text'; rules: TextRule[] }
  | { kind: 'number'; range: 'any' | 'integer' | 'int2' | 'int4' | 'int8'; bounds: NumberBounds }
  | { kind: 'boolean' | 'json' | 'null' | 'uuid' | 'date' | 'timestamp' | 'timestamptz' | 'bytea' }
  | { kind: 'oneOf'; values: Scalar[] }
  | { kind: 'array'; items: Shape; min?: number; max?: number; isUnique: boolean }
  | { kind: 'object'; members: Member[]; isOpen: boolean }
  | { kind: 'jsonOf'; type: 'string' | 'number' | 'boolean' | 'object' | 'array' }
  | { kind: 'union'; options: Shape[] }
  | { kind: 'named'; name: string }

/** The shape, or null. */
export function nullable(shape: Shape): Shape {
  return { kind: 'union', options: [shape, { kind: 'null' }] }
}
