/** G-18: the record of Article 30 says what the catalog holds, in whose name, and keeps what it said before. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

const text = z.string().min(1)
const record = z.strictObject({
  format: z.literal('howdah-processing-record-1'),
  controller: z.strictObject({
    name: text.nullable(),
    contact: text.nullable(),
    privacy_officer: text.nullable(),
  }),
  activities: z.array(
    z.strictObject({
      name: text,
      title: text,
      purpose: text,
      legal_basis: text,
      basis_reason: text,
      special_category_condition: text.nullable(),
      people: z.array(text).min(1),
      recipients: z.array(text),
      transfers: z.array(text),
      data: z
        .array(
          z.strictObject({
            relation: text,
            columns: z.array(text).min(1),
            classes: z.array(z.enum(['personal', 'sensitive', 'secret'])).min(1),
            retention: text,
          }),
        )
        .min(1),
    }),
  ),
  time_limits: z.record(text, z.strictObject({ summary: text, keep: text.nullable() })),
  security_measures: z.array(text).min(5),
})

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

const now = async () =>
  record.parse((await db.owner.query('select gdpr.processing_record() as record')).rows[0].record)
const lines = async () =>
  (await db.owner.query('select gdpr.processing_record_lines() as line')).rows.map(({ line }) => line)
const keep = async () => (await db.owner.query('select gdpr.declare_processing_record() as n')).rows[0].n

test('names everything that Article 30(1) asks for', async () => {
  const { activities, time_limits } = await now()
  expect(activities.length).toBeGreaterThan(9)
  const kept = new Set(activities.flatMap(({ data }) => data.map(({ retention }) => retention)))
  expect(new Set(Object.keys(time_limits))).toEqual(kept)
})

test('says who answers for it once the settings do, and what the operator added', async () => {
  expect((await now()).controller).toEqual({ name: null, contact: null, privacy_officer: null })
  expect(await lines()).toContain('Controller: not named yet (setting controller_name)')
  await db.owner.query(`
    select set_setting('controller_name', '"Perigee GmbH"');
    select set_setting('controller_contact', '"privacy@perigee.example"');
    update gdpr.processing_activities set added_recipients = '{Perigee Hosting}' where name = 'accounts'`)
  const { controller, activities } = await now()
  expect(controller).toMatchObject({ name: 'Perigee GmbH', contact: 'privacy@perigee.example' })
  expect(activities.find(({ name }) => name === 'accounts')?.recipients).toEqual(['Perigee Hosting'])
  expect(await lines()).toContain('Controller: Perigee GmbH')
  expect(await lines()).toContain('- Recipients: Perigee Hosting')
})

test('keeps a version when it says something new, and only then', async () => {
  const number = await keep()
  expect(await keep()).toBe(number)
  await db.owner.query(`select set_retention('sessions', '14 days')`)
  expect(await keep()).toBe(number + 1)
  await db.owner.query(`select set_retention('sessions', '30 days')`)
  expect(await keep()).toBe(number + 2)
  const { rows } = await db.owner.query(
    'select count(*)::int as versions, count(distinct hash)::int as texts from gdpr.processing_record_versions where number >= $1',
    [number],
  )
  expect(rows).toEqual([{ versions: 3, texts: 2 }])
})

test('prints every column that is declared, once', async () => {
  const printed = (await lines()).filter((line) => line.includes('. ') || line.includes(': ')).join('\n')
  const { rows } = await db.owner.query(
    `select distinct relation from generate_user_data_inventory() where purpose is not null`,
  )
  expect(rows.length).toBeGreaterThan(30)
  for (const { relation } of rows) expect(printed.split(`- ${relation} (`)).toHaveLength(2)
})
