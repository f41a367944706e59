/** Rows that fit into no month are kept, counted, and moved into their month while others read and write (O-16). */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { makeReadings, months, strays, traffic } from './readings.ts'

let db: TestDatabase
let userId: string
beforeAll(async () => {
  db = await testDatabase()
  userId = (await makeReadings(db.owner))[0] ?? ''
})
afterAll(() => db.drop())

const MISSING = `date_trunc('month', now()) + interval '8 months 9 days'`
const fill = (rows: number, at = MISSING) =>
  db.owner.query(
    `insert into ops.readings (user_id, read_at, note)
     select $1, ${at} + n * interval '1 second', repeat('x', 200) from generate_series(1, $2::int) n`,
    [userId, rows],
  )
const measured = async () => {
  const { rows } = await db.owner.query(
    `select value::int, status from service_levels where metric = 'default_partition_rows' and labels ->> 'relation' = 'ops.readings'`,
  )
  return rows[0]
}
const create = () => db.as('howdah_worker').query('select ops.create_monthly_partitions() as made')

test('nothing strays: no rows, no alarm', async () => {
  expect(await measured()).toEqual({ value: 0, status: 'ok' })
})

test('a row without a month is kept, alarms, and lies in its month after the next turn', async () => {
  await fill(2)
  await fill(1, `timestamptz '2019-02-28 23:59:58Z'`)
  expect(await measured()).toEqual({ value: 3, status: 'critical' })
  await expect(
    db.owner.query(
      `create table ops.refused partition of ops.readings for values from ('2019-01-01') to ('2020-01-01')`,
    ),
  ).rejects.toMatchObject({ code: '23514' })
  const before = await months(db)
  expect((await create()).rows).toEqual([{ made: 2 }])
  expect(await strays(db)).toBe(0)
  expect(await measured()).toEqual({ value: 0, status: 'ok' })
  const made = (await months(db)).filter((month) => !before.includes(month))
  expect(made).toHaveLength(2)
  expect(made[0]).toBe('2019_02')
  const { rows } = await db.owner.query(
    'select count(*)::int as n, bool_and(doubled = id * 2) as is_whole from ops.readings',
  )
  expect(rows).toEqual([{ n: 3, is_whole: true }])
})

test.each([1, 20_000, 100_000])(
  '%i rows move while people read and write: nothing lost, nobody waits for half a second',
  async (rows) => {
    await db.owner.query('truncate ops.readings')
    await fill(rows)
    const stop = await traffic(db, {
      'write into the missing month': `insert into ops.readings (user_id, read_at) values ('${userId}', ${MISSING} + interval '1 hour')`,
      'write into this month': `insert into ops.readings (user_id, read_at) values ('${userId}', now())`,
      'read all months': `select max(read_at) from ops.readings where user_id = '${userId}' and id = 1`,
      'read one row of the missing month': `select note from ops.readings where id = 1 and user_id = '${userId}' and read_at > ${MISSING}`,
      'change the account': `update core.users set display_name = 'Reader' where id = '${userId}'`,
    })
    await sleep(200)
    const startedAt = performance.now()
    await create()
    const tookMs = Math.round(performance.now() - startedAt)
    await sleep(200)
    const seen = await stop()
    const { rows: kept } = await db.owner.query('select count(*)::int as n from ops.readings')
    console.log(
      `drain of ${rows} rows: ${tookMs} ms; ${seen.done} statements beside it, slowest ${seen.slowestMs} ms (${seen.slowest}), ${seen.errors.length} errors`,
    )
    expect(seen.errors).toEqual([])
    expect(kept[0]?.n).toBe(rows + seen.written)
    expect(await strays(db)).toBe(0)
    expect(seen.slowestMs).toBeLessThanOrEqual(500)
    // The month that was made is dropped, so that the next size finds none.
    await db.owner.query(
      `do $$ begin execute (select 'drop table ' || partition from ops.partitions_of('ops.readings') where lower_bound <= ${MISSING} and upper_bound > ${MISSING}); end $$`,
    )
  },
)

test('a table that is never free is left as it was, and the next turn succeeds', async () => {
  await fill(5)
  const holder = await db.owner.connect()
  try {
    await holder.query('begin; lock table ops.readings_default in row exclusive mode')
    await expect(create()).rejects.toMatchObject({ code: '55P03' })
    expect(await strays(db)).toBe(5)
    await holder.query('rollback')
  } finally {
    holder.release(true)
  }
  await create()
  expect(await strays(db)).toBe(0)
})

test('a table whose rows are watched when they go has none: the missing month refuses', async () => {
  const { rows } = await db.owner.query(
    `select count(*) filter (where is_default)::int as n from ops.partitions_of('core.audit_log')`,
  )
  expect(rows).toEqual([{ n: 0 }])
  await db.owner.query(`
    create table ops.watched (id int, at timestamptz, primary key (id, at)) partition by range (at);
    alter table ops.watched enable row level security;
    select gdpr.declare_columns('ops.watched', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}', '{"id": {}, "at": {}}');
    select core.audit_table('ops.watched');
    select ops.declare_partitioned_table('ops.watched', 'at');
    select ops.create_monthly_partitions('ops.watched')`)
  await expect(db.owner.query(`insert into ops.watched values (1, '2019-01-01')`)).rejects.toMatchObject({
    code: '23514',
  })
})
