/** Reads the subset of JSON Schema that core.matches_json_schema() knows, and nothing beyond it. */
import { z } from 'zod'
import { GeneratorError } from '../generator-error.ts'
import { translatePattern } from '../regex/translate-pattern.ts'
import { type Member, nullable, type Scalar, type Shape, type TextRule } from './shape.ts'

const typeName = z.enum(['string', 'number', 'integer', 'boolean', 'null', 'object', 'array'])
const count = z.int().min(0)

/** A schema as the database returns it; another keyword is an error. */
export const jsonSchema = z.strictObject({
  type: z.union([typeName, z.array(typeName).min(1)]).optional(),
  enum: z
    .array(z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .min(1)
    .optional(),
  const: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional(),
  description: z.string().optional(),
  get properties() {
    return z.record(z.string(), jsonSchema).optional()
  },
  required: z.array(z.string()).optional(),
  additionalProperties: z.boolean().optional(),
  get items() {
    return jsonSchema.optional()
  },
  minItems: count.optional(),
  maxItems: count.optional(),
  uniqueItems: z.boolean().optional(),
  minLength: count.optional(),
  maxLength: count.optional(),
  pattern: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  format: z.enum(['uuid', 'date', 'date-time', 'uri']).optional(),
})

/** One schema. */
export type JsonSchema = z.infer<typeof jsonSchema>

/**
 * The shape a schema describes.
 * @param known gives the name of a schema that has one of its own, so that it is printed once
 * @throws GeneratorError naming the schema and the place in it
 */
export function shapeFromJsonSchema(
  value: unknown,
  path: string,
  known: (value: unknown) => string | undefined = () => undefined,
): Shape {
  const parsed = jsonSchema.safeParse(value)
  if (!parsed.success) {
    throw new GeneratorError(
      `The JSON Schema at ${path} goes beyond what core.matches_json_schema() knows:\n${z.prettifyError(parsed.error)}`,
    )
  }
  const name = known(value)
  if (name) return { kind: 'named', name }
  return readSchema(parsed.data, value as Record<string, unknown>, path, known)
}

type Known = (value: unknown) => string | undefined

function readSchema(schema: JsonSchema, raw: Record<string, unknown>, path: string, known: Known): Shape {
  const types = schema.type === undefined ? ALL_TYPES : [schema.type].flat()
  const values = schema.const !== undefined ? [schema.const] : schema.enum
  if (values) return oneOf(schema, values, types, path)
  const options = types
    .filter((type) => !(type === 'integer' && types.includes('number')))
    .map((type): Shape => readType(type, schema, raw, path, known))
  const isAnything = schema.type === undefined && Object.keys(schema).every((key) => key === 'description')
  if (isAnything) return { kind: 'json' }
  const [first, second] = options
  if (first && !second) return first
  if (first && second?.kind === 'null' && options.length === 2) return nullable(first)
  return { kind: 'union', options }
}

const ALL_TYPES = ['string', 'number', 'boolean', 'null', 'object', 'array'] as const

function oneOf(schema: JsonSchema, values: Scalar[], types: readonly string[], path: string): Shape {
  const others = Object.keys(schema).filter((key) => !['type', 'enum', 'const', 'description'].includes(key))
  if (others.length > 0 || (schema.enum && schema.const !== undefined)) {
    throw new GeneratorError(
      `The JSON Schema at ${path} combines enum or const with ${others.join(', ') || 'each other'}; write only one.`,
    )
  }
  const fitting = values.filter((value) => types.some((type) => isOfType(value, type)))
  if (fitting.length === 0) throw new GeneratorError(`The JSON Schema at ${path} allows no value at all.`)
  return { kind: 'oneOf', values: fitting }
}

function isOfType(value: Scalar, type: string): boolean {
  if (value === null) return type === 'null'
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

function readType(
  type: z.infer<typeof typeName>,
  schema: JsonSchema,
  raw: Record<string, unknown>,
  path: string,
  known: Known,
): Shape {
  switch (type) {
    case 'null':
    case 'boolean':
      return { kind: type }
    case 'number':
    case 'integer':
      return {
        kind: 'number',
        range: type === 'integer' ? 'integer' : 'any',
        bounds: defined({ min: schema.minimum, max: schema.maximum }),
      }
    case 'string':
      return { kind: 'text', rules: textRules(schema, path) }
    case 'array':
      return {
        kind: 'array',
        items: schema.items ? shapeFromJsonSchema(raw['items'], `${path}.items`, known) : { kind: 'json' },
        ...defined({ min: schema.minItems, max: schema.maxItems }),
        isUnique: schema.uniqueItems ?? false,
      }
    case 'object':
      return readObject(schema, raw, path, known)
  }
}

function readObject(schema: JsonSchema, raw: Record<string, unknown>, path: string, known: Known): Shape {
  const properties = (raw['properties'] ?? {}) as Record<string, unknown>
  const required = schema.required ?? []
  const isOpen = schema.additionalProperties ?? true
  const undeclared = required.filter((name) => !(name in properties))
  if (undeclared.length > 0 && !isOpen) {
    throw new GeneratorError(
      `The JSON Schema at ${path} requires ${undeclared.join(', ')} without declaring it; add it to properties.`,
    )
  }
  const members = Object.keys(properties)
    .sort()
    .map((name): Member => {
      const shape = shapeFromJsonSchema(properties[name], `${path}.${name}`, known)
      const doc = schema.properties?.[name]?.description ?? ''
      return { name, shape, isNullable: false, isOptional: !required.includes(name), doc }
    })
  const present = undeclared.map(
    (name): Member => ({ name, shape: { kind: 'json' }, isNullable: false, isOptional: false, doc: '' }),
  )
  return { kind: 'object', members: [...members, ...present], isOpen }
}

function textRules(schema: JsonSchema, path: string): TextRule[] {
  const rules: TextRule[] = []
  if (schema.minLength !== undefined || schema.maxLength !== undefined) {
    rules.push({ rule: 'codePoints', ...defined({ min: schema.minLength, max: schema.maxLength }) })
  }
  if (schema.pattern !== undefined) {
    const translated = translatePattern(schema.pattern)
    if ('reason' in translated) {
      throw new GeneratorError(
        `The pattern ${JSON.stringify(schema.pattern)} at ${path} cannot be checked by the SDK: ${translated.reason}. Write it with plain characters, ranges and groups.`,
      )
    }
    rules.push({ rule: 'matches', source: translated.source, isNegated: false })
  }
  if (schema.format !== undefined) rules.push({ rule: 'format', format: schema.format })
  return rules
}

/** Leaves out what is undefined, for exactOptionalPropertyTypes. */
function defined<T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as never
}
