/** An erasure in steps: what the log says meanwhile (T-01, T-02), and what was made of the rows is made anew (G-13). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededCast } from '../../../rules/matrix/seeded-cast.ts'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { sealAll } from '../../../setup/audit.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { askToLeave, rowsLeft, rowsOfOthers } from '../../../worker/erasure/leaving.ts'

const CARDS = 25

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  await seededCast(db, api)
})
afterAll(() => db.drop())

async function withCards(): Promise<{ person: Person; card: string }> {
  const person = await signUp(api)
  const { rows } = await db.owner.query(
    `insert into briefing.saved_cards (user_id, card_id, card)
     select $1, gen_random_uuid(), c.card from generate_series(1, $2::int),
       (select card from briefing.saved_cards limit 1) c returning id`,
    [person.id, CARDS],
  )
  return { person, card: rows[0].id }
}
const asOf = (id: string) =>
  db.owner.query(
    `select ops.row_as_of('briefing.saved_cards', jsonb_build_object('id', $1::text), now()) as row`,
    [id],
  )
const step = async (erasure: string) =>
  (await db.as('howdah_worker').query('select gdpr.continue_erasure($1) as step', [erasure])).rows[0].step

test('G-06: in batches, over partitions where two people have rows at the same places, others lose nothing', async () => {
  const { person } = await withCards()
  const { person: other } = await withCards()
  // In turns, month by month: what one has at a place of one partition, the other has there in the next.
  await db.owner.query(
    `insert into briefing.briefings (user_id, briefing_date, cards, timezone, generated_at)
     select case when (n + extract(month from d)::int) % 2 = 0 then $1::uuid else $2::uuid end, d, '[]', 'UTC', now()
     from generate_series(current_date - 25, current_date + 25, interval '1 day') with ordinality as t (d, n)`,
    [person.id, other.id],
  )
  const before = await rowsOfOthers(db, person.id)
  expect(before.get('briefing.briefings')?.length).toBeGreaterThan(20)
  const requestId = await askToLeave(db, api, person)
  const { rows } = await db.as('howdah_worker').query('select gdpr.begin_deletion($1) as id', [requestId])
  while ((await step(rows[0].id)) !== 'done');
  expect(await rowsLeft(db, person.id)).toEqual({})
  const after = await rowsOfOthers(db, person.id)
  expect([...before.values()].flat().length).toBeGreaterThan(100)
  for (const [name, held] of before) {
    // Jobs and counters of attempts go on meanwhile.
    if (name !== 'private.attempts') expect(after.get(name), name).toEqual(held)
  }
})

test('one event a table, not one a row; the log never says that a row is there which has gone', async () => {
  const { person, card } = await withCards()
  expect((await asOf(card)).rows[0].row).toMatchObject({ id: card })
  const requestId = await askToLeave(db, api, person)
  const { rows } = await db.as('howdah_worker').query('select gdpr.begin_deletion($1) as id', [requestId])
  const erasure = rows[0].id
  // Rows are gone, their older events not blank yet.
  while ((await step(erasure)) === 'rows');
  await expect(asOf(card)).rejects.toMatchObject({ message: 'audit_payload_gone' })
  const events = await db.owner.query(
    `select operation, new_values from core.audit_log
     where subject_id = $1 and relation = 'briefing.saved_cards' and operation in ('delete', 'erase')`,
    [person.id],
  )
  expect(events.rows).toEqual([{ operation: 'erase', new_values: { row_count: CARDS } }])
  while ((await step(erasure)) !== 'done');
  await expect(asOf(card)).rejects.toMatchObject({ message: 'audit_payload_gone' })
  expect(await rowsLeft(db, person.id)).toEqual({})
  const report = await db.owner.query('select gdpr.erasure_report($1) as report', [person.id])
  expect(report.rows[0].report.row_counts['briefing.saved_cards']).toBe(CARDS)
  await sealAll(db)
  expect((await db.owner.query('select is_ok from ops.verify_audit()')).rows[0].is_ok).toBe(true)
})

test('nobody else is silent: the setting alone keeps no event from the log', async () => {
  const { person } = await withCards()
  const { person: other } = await withCards()
  const client = await db.owner.connect()
  const deleted = async ({ id }: Person) =>
    (
      await client.query(
        `select from core.audit_log where subject_id = $1 and relation = 'briefing.saved_cards' and operation = 'delete'`,
        [id],
      )
    ).rowCount
  try {
    await client.query('begin')
    await client.query(`select set_config('howdah.erasing', 'on', true)`)
    await client.query('delete from briefing.saved_cards where user_id = $1', [person.id])
    expect(await deleted(person)).toBe(CARDS)
    // In the transaction that erases one person, another's rows are logged one by one.
    await client.query(`select gdpr.mark_erasing(gdpr.begin_erasure($1))`, [person.id])
    await client.query('delete from briefing.saved_cards where user_id = $1', [other.id])
    expect(await deleted(other)).toBe(CARDS)
  } finally {
    await client.query('rollback')
    client.release()
  }
})

test('a materialized view of the rows is refreshed, through another view too; every table was looked at again', async () => {
  await db.owner.query(`
    create view briefing.card_owners as select user_id, count(*) as cards from briefing.saved_cards group by user_id;
    create materialized view briefing.card_counts as select * from briefing.card_owners;
    create materialized view briefing.card_totals as select sum(cards) as total from briefing.card_owners;
    create unique index on briefing.card_counts (user_id)`)
  const { person } = await withCards()
  await db.owner.query(
    'refresh materialized view briefing.card_counts; refresh materialized view briefing.card_totals',
  )
  const seen = async () =>
    (await db.owner.query('select from briefing.card_counts where user_id = $1', [person.id])).rowCount
  expect(await seen()).toBe(1)
  const before = (await db.owner.query('select now() as at')).rows[0].at
  const requestId = await askToLeave(db, api, person)
  const { rows } = await db.as('howdah_worker').query('select gdpr.begin_deletion($1) as id', [requestId])
  while ((await step(rows[0].id)) !== 'done');
  expect(await seen()).toBe(0)
  await db.superuser.query('select pg_stat_force_next_flush()')
  const stale = await db.superuser.query(
    `select p.table_name from gdpr.tables_to_erase() p
     join pg_stat_user_tables s on (s.schemaname, s.relname) = (p.schema_name, p.table_name)
     where s.last_analyze is null or s.last_analyze < $1`,
    [before],
  )
  expect(stale.rows).toEqual([])
})
