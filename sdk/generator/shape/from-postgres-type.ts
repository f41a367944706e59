/** The shape in which PostgREST sends and takes a value of a Postgres type. */
import type { Shape } from './shape.ts'

/** A type as the catalog knows it; domains are resolved to what they are made of. */
export type PostgresType = {
  name: string
  /** Values of an enum type, in order. */
  labels: string[]
  /** The type of the elements, for an array type. */
  element: PostgresType | undefined
}

/** The shape, or undefined for a type this generator does not know. */
export function shapeFromPostgresType(type: PostgresType): Shape | undefined {
  if (type.element) {
    const items = shapeFromPostgresType(type.element)
    return items && { kind: 'array', items, isUnique: false }
  }
  if (type.labels.length > 0) return { kind: 'oneOf', values: type.labels }
  if (TEXT_TYPES.has(type.name)) return { kind: 'text', rules: [] }
  return SHAPES[type.name]
}

const TEXT_TYPES = new Set(
  'text varchar bpchar citext name interval time timetz inet cidr macaddr tsvector xml money int4range int8range numrange tsrange tstzrange daterange'.split(
    ' ',
  ),
)

const number = (range: Extract<Shape, { kind: 'number' }>['range']): Shape => ({
  kind: 'number',
  range,
  bounds: {},
})

const SHAPES: Record<string, Shape> = {
  bool: { kind: 'boolean' },
  int2: number('int2'),
  int4: number('int4'),
  int8: number('int8'),
  float4: number('any'),
  float8: number('any'),
  numeric: number('any'),
  uuid: { kind: 'uuid' },
  date: { kind: 'date' },
  timestamp: { kind: 'timestamp' },
  timestamptz: { kind: 'timestamptz' },
  json: { kind: 'json' },
  jsonb: { kind: 'json' },
  bytea: { kind: 'bytea' },
  void: { kind: 'null' },
}
