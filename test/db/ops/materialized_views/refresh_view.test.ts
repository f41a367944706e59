/** Views are refreshed while they are read; a refresh that fails keeps what was there and is seen (O-21). */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { traffic } from '../partitions/readings.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
  await db.owner.query(`
    create table ops.prices (id int primary key, price int not null);
    insert into ops.prices select n, 1 from generate_series(1, 20000) n;
    create materialized view ops.shares as select p.id, 1000 / p.price as share from ops.prices as p;
    create unique index shares_id_idx on ops.shares (id);
    select ops.declare_materialized_view('ops.shares', 3600)`)
})
afterAll(() => db.drop())

const worker = () => db.as('howdah_worker')
const refresh = async (name: string) =>
  (await worker().query('select outcome, row_count::int, error_code from ops.refresh_view($1)', [name]))
    .rows[0]
const registered = async () =>
  (
    await db.owner.query(
      `select refreshed_at, row_count::int, failed_at is not null as has_failed, error_code from ops.materialized_views where view_name = 'shares'`,
    )
  ).rows[0]
const level = async () =>
  (
    await db.owner.query(
      `select value::float8, status from service_levels where metric = 'view_staleness_ratio' and labels ->> 'view' = 'ops.shares'`,
    )
  ).rows[0]

test('shows what is new, and says when and how much', async () => {
  await db.owner.query('update ops.prices set price = 2 where id <= 10')
  expect(await refresh('shares')).toEqual({ outcome: 'refreshed', row_count: 20_000, error_code: null })
  const { rows } = await db.owner.query('select count(*)::int as n from ops.shares where share = 500')
  expect(rows).toEqual([{ n: 10 }])
  expect(await registered()).toMatchObject({ row_count: 20_000, has_failed: false })
})

test('a refresh that fails keeps what was there, and the next one is due at once', async () => {
  const before = await registered()
  await db.owner.query('update ops.prices set price = 0 where id = 7')
  expect(await refresh('ops.shares')).toEqual({ outcome: 'failed', row_count: null, error_code: '22012' })
  expect(await registered()).toMatchObject({ ...before, has_failed: true, error_code: '22012' })
  expect((await db.owner.query('select share from ops.shares where id = 7')).rows).toEqual([{ share: 500 }])
  const due = async () => (await worker().query('select name from ops.views_due() as v (name)')).rows
  expect(await due()).toContainEqual({ name: 'ops.shares' })
  await db.owner.query('update ops.prices set price = 4 where id = 7')
  expect(await refresh('ops.shares')).toMatchObject({ outcome: 'refreshed' })
  expect(await registered()).toMatchObject({ has_failed: false, error_code: null })
  expect(await due()).not.toContainEqual({ name: 'ops.shares' })
})

test('five at once: one works, the others say so', async () => {
  await db.owner.query('update ops.prices set price = price + 1')
  const all = await Promise.all(Array.from({ length: 5 }, () => refresh('shares')))
  expect(all.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  expect(all.filter(({ outcome }) => outcome === 'refreshed').length).toBeGreaterThan(0)
})

test('readers go on while it is refreshed', async () => {
  const slowest: number[] = []
  // Three turns: a machine that tests many things at once is late by itself now and then.
  for (let turn = 0; turn < 3; turn++) {
    await db.owner.query('update ops.prices set price = price + 1')
    const stop = await traffic(db, {
      'read one': 'select share from ops.shares where id = 4711',
      'read another': 'select share from ops.shares where id = 42',
    })
    await sleep(50)
    await refresh('shares')
    const seen = await stop()
    expect(seen.errors).toEqual([])
    slowest.push(seen.slowestMs)
  }
  console.log(`refresh of 20,000 rows: slowest reader ${slowest.join(', ')} ms`)
  expect(Math.min(...slowest)).toBeLessThanOrEqual(100)
})

test('content that grows old alarms', async () => {
  expect(await level()).toMatchObject({ status: 'ok' })
  await setClock(db, '3 hours 5 minutes')
  expect((await level()).status).toBe('warn')
  await setClock(db, '11 hours')
  expect((await level()).status).toBe('critical')
  await refresh('shares')
  expect(await level()).toMatchObject({ value: 0, status: 'ok' })
  await setClock(db, '0')
})

test('refuses what nobody declared, and what cannot be refreshed while it is read', async () => {
  await expect(refresh('pg_class')).rejects.toMatchObject({ code: 'PT404', message: 'view_not_declared' })
  await db.owner.query('create materialized view ops.keyless as select 1 as id')
  for (const relation of ['ops.keyless', 'ops.prices'])
    await expect(
      db.owner.query(`select ops.declare_materialized_view($1)`, [relation]),
    ).rejects.toMatchObject({ code: '42809' })
  await db.owner.query('drop materialized view ops.keyless')
})

test('refresh_user_stats(): the summary is what is counted anew, also on the days after', async () => {
  await db.owner.query(`
    insert into core.users (email, created_at) select format('u%s@example.com', n), now() - n * interval '1 day' from generate_series(0, 40) n;
    insert into core.sessions (user_id, created_at, expires_at) select id, created_at, now() + interval '9 days' from core.users`)
  const { rows } = await db.owner.query('select outcome, row_count::int from refresh_user_stats()')
  expect(rows).toEqual([{ outcome: 'refreshed', row_count: 30 }])
  const summary = async () =>
    (
      await db.owner.query(
        'select day::text, sign_up_count, sign_in_count, active_user_count from user_activity_summary',
      )
    ).rows
  const counted = async () =>
    (
      await db.owner.query(
        'select day::text, sign_up_count, sign_in_count, active_user_count from ops.user_activity(30)',
      )
    ).rows
  expect(await summary()).toEqual(await counted())
  expect((await summary()).every((day) => day.sign_up_count === '1')).toBe(true)
  await setClock(db, '3 days')
  expect(await summary()).toEqual(await counted())
  await setClock(db, '90 days')
  expect(await summary()).toHaveLength(30)
  await setClock(db, '0')
})
