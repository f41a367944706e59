/** JSON Schemas become shapes exactly, or the generator stops with a sentence. */
import { describe, expect, it } from 'vitest'
import { shapeFromJsonSchema } from '../../../sdk/generator/shape/from-json-schema.ts'
import { printType } from '../../../sdk/generator/shape/print-type.ts'
import { printZod } from '../../../sdk/generator/shape/print-zod.ts'

const PRINTED: [string, unknown, string, string][] = [
  ['a text', { type: 'string', minLength: 1 }, 'text(codePoints({ min: 1 }))', 'string'],
  [
    'a text or null',
    { type: ['string', 'null'], format: 'uri' },
    'text(webAddress()).nullable()',
    '(string) | (null)',
  ],
  ['a list of values', { enum: ['a', 'b'] }, 'z.enum(["a","b"])', '"a" | "b"'],
  ['values of the right type only', { type: 'string', enum: ['a', 1] }, 'z.enum(["a"])', '"a"'],
  ['mixed values', { enum: ['a', 1, null] }, 'z.literal(["a",1,null])', '"a" | 1 | null'],
  ['a constant', { const: true }, 'z.literal([true])', 'true'],
  ['a whole number', { type: 'integer', maximum: 5 }, 'integer().max(5)', 'number'],
  ['a number', { type: ['number', 'integer'] }, 'z.number()', 'number'],
  ['anything', { description: 'whatever' }, 'json()', 'Json'],
  [
    'a set',
    { type: 'array', items: { type: 'boolean' }, uniqueItems: true },
    'z.array(z.boolean()).check(uniqueItems())',
    '(boolean)[]',
  ],
  [
    'an object without members',
    { type: 'object', additionalProperties: false },
    'z.strictObject({\n})',
    '{\n}',
  ],
]

const REFUSED: [string, unknown, RegExp][] = [
  [
    'an unknown keyword',
    { type: 'string', contentEncoding: 'base64' },
    /at x goes beyond .*contentEncoding/s,
  ],
  ['one inside', { type: 'object', properties: { a: { allOf: [] } } }, /at x goes beyond .*allOf/s],
  ['another format', { type: 'string', format: 'email' }, /goes beyond/],
  ['a pattern only Postgres knows', { type: 'string', pattern: '^\\d+$' }, /pattern "\^\\\\d\+\$" at x/],
  ['an object among values', { enum: [{ a: 1 }] }, /goes beyond/],
  ['values with a length', { enum: ['a'], minLength: 2 }, /combines enum or const with minLength/],
  ['values that no type allows', { type: 'integer', enum: ['a'] }, /allows no value/],
  [
    'a required member nobody declared',
    { type: 'object', required: ['a'], additionalProperties: false },
    /requires a/,
  ],
]

describe('shapeFromJsonSchema', () => {
  it.each(PRINTED)('prints %s', (_, schema, zod, type) => {
    const shape = shapeFromJsonSchema(schema, 'x')
    expect(printZod(shape)).toBe(zod)
    expect(printType(shape)).toBe(type)
  })

  it.each(REFUSED)('refuses %s', (_, schema, sentence) => {
    expect(() => shapeFromJsonSchema(schema, 'x')).toThrow(sentence)
  })

  it('names a schema that has a name of its own', () => {
    const inner = { type: 'string' }
    const shape = shapeFromJsonSchema({ type: 'array', items: inner }, 'x', (value) =>
      value === inner ? 'Inner' : undefined,
    )
    expect(printType(shape)).toBe('(Inner)[]')
    expect(printZod(shape)).toBe('z.array(inner)')
  })
})
