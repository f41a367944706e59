/** core.setting_catalogue(): every setting has a type with bounds, a default that fits, and a sentence; and only such values get in. */
import { afterAll, describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import { testDatabase } from '../../setup/database.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const kind = z.enum(['string', 'integer', 'boolean', 'null', 'array'])
const row = z.object({
  name: z.string().regex(/^[a-z][a-z_]+$/),
  description: z.string().min(20).endsWith('.'),
  fits: z.literal(true),
  json_schema: z.looseObject({
    type: z.union([kind, z.array(kind)]),
    enum: z.array(z.string()).optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    maxLength: z.number().optional(),
    maxItems: z.number().optional(),
    items: z.object({ maxLength: z.number() }).optional(),
  }),
})

const catalogue = z
  .array(row)
  .parse(
    (
      await db.owner.query(
        `select name, description, json_schema, core.matches_json_schema(default_value, json_schema) as fits from core.setting_catalogue()`,
      )
    ).rows,
  )

describe.each(catalogue)('$name', ({ name, json_schema: schema }) => {
  const kinds = [schema.type].flat()
  it('has bounds', () => {
    if (kinds.includes('integer')) expect([schema.minimum, schema.maximum]).not.toContain(undefined)
    if (kinds.includes('array')) expect([schema.maxItems, schema.items]).not.toContain(undefined)
    if (kinds.includes('string')) expect(schema.enum ?? schema.maxLength).toBeDefined()
  })

  it('refuses what it does not take (setting_invalid)', async () => {
    const wrong: unknown[] = [{}, [1], ['x'.repeat(5000)], 1.5, 'x'.repeat(5000), '\u0001']
    if (!kinds.includes('array')) wrong.push([])
    if (schema.maxItems !== undefined)
      wrong.push(Array.from({ length: schema.maxItems + 1 }, (_, n) => `${n}@a.b`))
    if (!kinds.includes('null')) wrong.push(null)
    if (!kinds.includes('boolean')) wrong.push(true)
    if (!kinds.includes('string')) wrong.push('1')
    if (schema.minimum !== undefined) wrong.push(schema.minimum - 1)
    if (schema.maximum !== undefined) wrong.push(schema.maximum + 1)
    for (const value of wrong) {
      const set = db.owner.query('select ops.set_setting($1, $2)', [name, JSON.stringify(value)])
      await expect(set, JSON.stringify(value).slice(0, 40)).rejects.toMatchObject({
        message: 'setting_invalid',
      })
    }
  })
})

test('ops.settings shows what holds, and since when', async () => {
  const read = async () =>
    (await db.owner.query(`select value, is_default, updated_at from ops.settings where name = 'app_name'`))
      .rows[0]
  expect(await read()).toEqual({ value: 'Howdah', is_default: true, updated_at: null })
  await db.owner.query(`select ops.set_setting('app_name', '"Larder"')`)
  expect(await read()).toMatchObject({ value: 'Larder', is_default: false, updated_at: expect.any(Date) })
  const { rows } = await db.owner.query('select count(*)::int as n from ops.settings')
  expect(rows[0].n).toBe(catalogue.length)
})
