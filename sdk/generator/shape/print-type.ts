/** Prints a shape as a TypeScript type. */
import { printDoc } from '../print/print-doc.ts'
import type { Member, Shape } from './shape.ts'

/** The type, in one expression that may span lines; the formatter lays it out. */
export function printType(shape: Shape): string {
  switch (shape.kind) {
    case 'text':
    case 'uuid':
    case 'date':
    case 'timestamp':
    case 'timestamptz':
    case 'bytea':
      return 'string'
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'null':
      return 'null'
    case 'json':
      return 'Json'
    case 'jsonOf':
      return JSON_OF[shape.type]
    case 'named':
      return shape.name
    case 'oneOf':
      return shape.values.map((value) => JSON.stringify(value)).join(' | ')
    case 'array':
      return `(${printType(shape.items)})[]`
    case 'union':
      return shape.options.map((option) => `(${printType(option)})`).join(' | ')
    case 'object':
      return `{\n${printMembers(shape.members)}${shape.isOpen ? '[key: string]: unknown\n' : ''}}`
  }
}

const JSON_OF = {
  string: 'string',
  number: 'number',
  boolean: 'boolean',
  object: 'Record<string, Json>',
  array: 'Json[]',
} as const

function printMembers(members: Member[]): string {
  return members
    .map(({ name, shape, isNullable, isOptional, doc }) => {
      const type = isNullable ? `(${printType(shape)}) | null` : printType(shape)
      return `${printDoc(doc)}${JSON.stringify(name)}${isOptional ? '?' : ''}: ${type}${isOptional ? ' | undefined' : ''}\n`
    })
    .join('')
}
