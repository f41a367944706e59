/** core.matches_json_schema against ajv, an implementation that is not ours: both must say the same. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

const leafSchema = fc.oneof(
  fc.record({ type: fc.constantFrom('string', 'integer', 'number', 'boolean', 'null', 'array', 'object') }),
  fc.record({ type: fc.constant('string'), minLength: fc.nat(3), maxLength: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ type: fc.constant('string'), pattern: fc.constantFrom('^[a-c]*$', '^a', 'b$') }),
  fc.record({ type: fc.constant('string'), format: fc.constantFrom('date', 'uuid') }),
  fc.record({ type: fc.constantFrom('number', 'integer'), minimum: fc.integer({ min: -3, max: 3 }) }),
  fc.record({ type: fc.constant(['string', 'null']), maxLength: fc.nat(2) }),
  fc.record({ enum: fc.uniqueArray(fc.constantFrom('a', 1, null, true), { minLength: 1 }) }),
  fc.record({ const: fc.constantFrom('a', 1, null) }),
)
const schema = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 3 }, leafSchema, tie('array'), tie('object')),
  array: fc.record({
    type: fc.constant('array'),
    items: tie('any'),
    minItems: fc.nat(2),
    maxItems: fc.integer({ min: 1, max: 3 }),
    uniqueItems: fc.boolean(),
  }),
  object: fc.record({
    type: fc.constant('object'),
    properties: fc.dictionary(fc.constantFrom('a', 'b'), tie('any')),
    required: fc.uniqueArray(fc.constantFrom('a', 'b', 'c')),
    additionalProperties: fc.boolean(),
  }),
})).any
const scalar = fc.oneof(
  fc.constantFrom('a', 'abc', '\u{1f418}\u{1f418}', '2024-02-29', '2023-02-29', '2024-13-01', 'x\ny', ''),
  fc.uuid(),
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(1.0, 1.5, true, false, null),
)
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('any')),
  ),
})).any

test('agrees with ajv on 4,000 random pairs of schema and value', async () => {
  const ajv = new Ajv2020({ strict: false })
  addFormats.default(ajv)
  const pairs = fc.sample(fc.tuple(schema, value), { numRuns: 4000, seed: 7 })
  const { rows } = await db.owner.query(
    `select core.matches_json_schema(p -> 1, p -> 0) as ours
     from jsonb_array_elements($1::jsonb) with ordinality as e (p, n) order by n`,
    [JSON.stringify(pairs)],
  )
  const disagreements = pairs.flatMap(([given, input], n) => {
    const theirs = ajv.validate(given as object, input)
    return rows[n].ours === theirs ? [] : [{ schema: given, value: input, ours: rows[n].ours, theirs }]
  })
  expect(disagreements.slice(0, 3)).toEqual([])
  expect(rows.filter((row) => row.ours).length).toBeGreaterThan(100)
})

test('refuses a format it does not know instead of letting everything pass', async () => {
  const { rows } = await db.owner.query(
    `select core.matches_json_schema('"x"', '{"type": "string", "format": "ipv4"}') as ours`,
  )
  expect(rows[0].ours).toBe(false)
})
