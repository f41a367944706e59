/** G-17: every policy takes what is old enough and nothing younger, and nothing that a legal hold keeps. */
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { rolledBack } from '../../../rules/catalog/rolled-back.ts'
import type { Queryable } from '../../../rules/catalog/rule.ts'
import { type Table, tablesOf } from '../../../rules/matrix/tables.ts'
import { testApi } from '../../../setup/api.ts'
import { testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { type Policy, seedAged } from './aged-row.ts'

const MINUTE = 60_000
const HOLD_RUNS = 10

const db = await testDatabase()
afterAll(() => db.drop())
const { rows: policies } = await db.owner.query<Policy>(
  `select name, schema_name || '.' || table_name as relation, aged_from from gdpr.retention_policies
   where action = 'delete' order by name`,
)

let people: { old: Person; young: Person; held: Person }
let tables: Table[]
beforeAll(async () => {
  const api = await testApi(db)
  people = { old: await signUp(api), young: await signUp(api), held: await signUp(api) }
  tables = await tablesOf(db.superuser)
})

/** Moves the clock of this transaction to where something that began to age at `at` has been kept as long as it is, and `more`. */
async function jump(client: Queryable, { name }: Policy, at: Date, more: string): Promise<void> {
  await client.query(
    `select set_config('howdah.clock_offset', ($1::timestamptz - now() + gdpr.retention_keep($2) + $3::interval)::text, true)`,
    [at, name, more],
  )
}
const clean = async (client: Queryable, { name }: Policy, limit: number | null = null) =>
  Number((await client.query('select gdpr.clean_up_batch($1, $2) as gone', [name, limit])).rows[0].gone)
const lies = async (client: Queryable, { relation }: Policy, place: string) =>
  (await client.query(`select from ${relation} where ctid = $1::tid`, [place])).rowCount === 1

it('there are policies', () => expect(policies.length).toBeGreaterThan(10))

describe.each(policies)('$name', (policy) => {
  it('takes what is old enough, leaves what is younger, and takes it only once', () =>
    rolledBack(db, async (client) => {
      const at = new Date(Date.now() + MINUTE)
      const later = new Date(at.getTime() + 60 * MINUTE)
      const old = await seedAged(client, tables, { policy, person: people.old, label: 'old', at })
      const young = await seedAged(client, tables, {
        policy,
        person: people.young,
        label: 'young',
        at: later,
      })
      await jump(client, policy, at, '-30 seconds')
      await clean(client, policy)
      expect(await lies(client, policy, old)).toBe(true)
      await jump(client, policy, at, '30 seconds')
      expect(await clean(client, policy)).toBe(1)
      expect(await lies(client, policy, old)).toBe(false)
      expect(await lies(client, policy, young)).toBe(true)
      expect(await clean(client, policy)).toBe(0)
    }))

  it('is measured when it is a day late', () =>
    rolledBack(db, async (client) => {
      const at = new Date(Date.now() + MINUTE)
      await seedAged(client, tables, { policy, person: people.old, label: 'old', at })
      const late = async () =>
        (
          await client.query(
            `select value::int as rows from gdpr.measure_retention() where labels ->> 'policy' = $1`,
            [policy.name],
          )
        ).rows
      await jump(client, policy, at, '-30 seconds')
      await clean(client, policy)
      await jump(client, policy, at, '23 hours')
      expect(await late()).toEqual([{ rows: 0 }])
      await jump(client, policy, at, '25 hours')
      expect(await late()).toEqual([{ rows: 1 }])
    }))
})

/** Nobody can say whose row it is, or it is nobody's. */
const NOBODYS = ['alerts', 'attempts', 'disk_usage', 'long_queries', 'task_runs', 'used_identity_tokens']

test('the list of what is nobody’s names only policies whose rows lead to nobody', async () => {
  const { rows } = await db.owner.query(
    `select policy from gdpr.retention_plan() where held = 'false' and action = 'delete' order by 1`,
  )
  expect(rows.map(({ policy }) => policy)).toEqual(NOBODYS)
})

test.each(policies.filter(({ name }) => !NOBODYS.includes(name)))(
  '$name: ten turns leave what a legal hold keeps; released, it goes',
  (policy) =>
    rolledBack(db, async (client) => {
      const at = new Date(Date.now() + MINUTE)
      await client.query(`select gdpr.place_legal_hold($1, 'Case 7')`, [people.held.email])
      const held = await seedAged(client, tables, { policy, person: people.held, label: 'held', at })
      await jump(client, policy, at, '1 minute')
      for (let run = 0; run < HOLD_RUNS; run++) await clean(client, policy)
      expect(await lies(client, policy, held)).toBe(true)
      await client.query('select gdpr.release_legal_hold($1)', [people.held.email])
      await clean(client, policy)
      expect(await lies(client, policy, held)).toBe(false)
    }),
)

test.each([
  ['-1 minute', 0],
  ['1 minute', 1],
])('a month of a partitioned table is due when all of it is old enough: %s', (more, due) =>
  rolledBack(db, async (client) => {
    await client.query(
      `insert into briefing.briefings (user_id, briefing_date, cards, timezone, generated_at)
       values ($1, current_date, '[]', 'UTC', now())`,
      [people.young.id],
    )
    // Kept for 24 months after the last day of this one.
    await client.query(
      `select set_config('howdah.clock_offset',
         (date_trunc('month', now(), 'UTC') + interval '25 months' - now() + $1::interval)::text, true)`,
      [more],
    )
    const { rows } = await client.query(
      `select gdpr.count_aged_rows(policy, false, cutoff)::int as due from gdpr.retention_plan('briefings')`,
    )
    expect(rows).toEqual([{ due }])
  }),
)
