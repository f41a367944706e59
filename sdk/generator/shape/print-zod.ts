/** Prints a shape as a zod schema. What zod has no exact word for comes from sdk/src/schema. */
import { printDoc } from '../print/print-doc.ts'
import type { Member, NumberBounds, Shape, TextRule } from './shape.ts'

/** The schema, in one expression that may span lines; the formatter lays it out. */
export function printZod(shape: Shape): string {
  switch (shape.kind) {
    case 'text':
      return `text(${shape.rules.map(printTextRule).join(', ')})`
    case 'number':
      return `${NUMBERS[shape.range]}${printBounds(shape.bounds)}`
    case 'json':
      return 'json()'
    case 'null':
      return 'z.null()'
    case 'boolean':
      return 'z.boolean()'
    case 'uuid':
      return 'z.guid()'
    case 'date':
      return 'z.iso.date()'
    case 'timestamp':
      return 'z.iso.datetime({ local: true })'
    case 'timestamptz':
      return 'z.iso.datetime({ offset: true })'
    case 'bytea':
      return 'z.string().regex(/^\\\\x(?:[0-9a-f]{2})*$/)'
    case 'jsonOf':
      return JSON_OF[shape.type]
    case 'named':
      return schemaName(shape.name)
    case 'oneOf':
      return printOneOf(shape.values)
    case 'array':
      return printArray(shape)
    case 'union':
      return printUnion(shape.options)
    case 'object':
      return `z.${shape.isOpen ? 'looseObject' : 'strictObject'}({\n${printMembers(shape.members)}})`
  }
}

/** What the schema of a named shape is called: the type's name with a small first letter. */
export function schemaName(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}

/** Properties of an object schema, each with its doc comment. */
export function printMembers(members: Member[]): string {
  return members
    .map(({ name, shape, isNullable, isOptional, doc }) => {
      const suffix = isNullable && isOptional ? '.nullish()' : isNullable ? '.nullable()' : ''
      return `${printDoc(doc)}${JSON.stringify(name)}: ${printZod(shape)}${suffix}${isOptional && !isNullable ? '.optional()' : ''},\n`
    })
    .join('')
}

const NUMBERS = {
  any: 'z.number()',
  integer: 'integer()',
  int2: 'z.int().min(-32768).max(32767)',
  int4: 'z.int32()',
  int8: 'z.int()',
} as const

const JSON_OF = {
  string: 'text()',
  number: 'z.number()',
  boolean: 'z.boolean()',
  object: 'z.record(text(), json())',
  array: 'z.array(json())',
} as const

const FORMATS = {
  uuid: 'guid()',
  date: 'calendarDate()',
  'date-time': 'instant()',
  uri: 'webAddress()',
} as const

function printTextRule(rule: TextRule): string {
  if (rule.rule === 'format') return FORMATS[rule.format]
  if (rule.rule === 'matches') return `${rule.isNegated ? 'matchesNot' : 'matches'}(/${rule.source}/u)`
  const bounds = [
    rule.min === undefined ? '' : `min: ${rule.min}`,
    rule.max === undefined ? '' : `max: ${rule.max}`,
  ]
  return `${rule.rule}({ ${bounds.filter(Boolean).join(', ')} })`
}

function printBounds({ min, max, above, below }: NumberBounds): string {
  const parts = { min, max, gt: above, lt: below }
  return Object.entries(parts)
    .map(([name, bound]) => (bound === undefined ? '' : `.${name}(${bound})`))
    .join('')
}

function printOneOf(values: (string | number | boolean | null)[]): string {
  const list = JSON.stringify(values)
  return values.every((value) => typeof value === 'string') ? `z.enum(${list})` : `z.literal(${list})`
}

function printArray(shape: Extract<Shape, { kind: 'array' }>): string {
  const min = shape.min === undefined ? '' : `.min(${shape.min})`
  const max = shape.max === undefined ? '' : `.max(${shape.max})`
  return `z.array(${printZod(shape.items)})${min}${max}${shape.isUnique ? '.check(uniqueItems())' : ''}`
}

function printUnion(options: Shape[]): string {
  const others = options.filter((option) => option.kind !== 'null')
  const [only] = others
  if (only && others.length === 1) return `${printZod(only)}.nullable()`
  return `z.union([${options.map(printZod).join(', ')}])`
}
