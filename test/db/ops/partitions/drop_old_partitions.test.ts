/** Months past their retention go, all of them and no others; never one with rows of somebody under legal hold (O-17, G-17). */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { makeReadings, months, traffic } from './readings.ts'

let db: TestDatabase
let people: string[]
beforeAll(async () => {
  db = await testDatabase()
  people = await makeReadings(db.owner, { people: 11 })
})
afterAll(() => db.drop())

const AGO = (n: number) => `date_trunc('month', now(), 'UTC') - interval '${n} months'`

/** Rows of person `n` in the month that is 24 + n months old, and of the last person in every month. */
beforeEach(async () => {
  await db.owner.query('truncate ops.readings; delete from gdpr.legal_holds')
  for (const [index, id] of people.entries())
    await db.owner.query(
      `insert into ops.readings (user_id, read_at) select $1, ${AGO(25 + index)} + interval '3 days' where $2 < 10`,
      [id, index],
    )
  await db.owner.query(
    `insert into ops.readings (user_id, read_at) select $1, ${AGO(0)} - n * interval '1 month' + interval '2 days' from generate_series(0, 36) n`,
    [people[10]],
  )
  await db.owner.query(`select ops.create_monthly_partitions('ops.readings')`)
})

const worker = () => db.as('howdah_worker')
const drop = async (client = worker()) =>
  (await client.query('select partition_name, outcome from ops.drop_old_partitions()')).rows
const hold = (id: string | undefined) =>
  db.owner.query(`insert into gdpr.legal_holds (user_id, reason) values ($1, 'A case.')`, [id])

test('what is older than 24 whole months goes, to the month; the 24 and what comes stay', async () => {
  const before = await months(db)
  expect(before).toHaveLength(36 + 1 + 3)
  const { rows } = await db.owner.query(
    `select to_char(${AGO(24)}, 'YYYY_MM') as oldest, to_char(${AGO(0)}, 'YYYY_MM') as this`,
  )
  const dropped = await drop()
  expect(dropped).toHaveLength(12)
  expect(dropped.every(({ outcome }) => outcome === 'dropped')).toBe(true)
  const after = await months(db)
  expect(after[0]).toBe(rows[0].oldest)
  expect(after.indexOf(rows[0].this)).toBe(24)
  expect(after).toEqual(before.slice(12))
  expect(await drop()).toEqual([])
})

test('ten people under hold keep their ten months, and nothing else; released, the months go', async () => {
  for (const id of people.slice(0, 10)) await hold(id)
  const first = await drop()
  expect(first.filter(({ outcome }) => outcome === 'on_hold')).toHaveLength(10)
  expect(first.filter(({ outcome }) => outcome === 'dropped')).toHaveLength(2)
  const { rows } = await db.owner.query(
    `select count(distinct user_id)::int as people from ops.readings where user_id = any ($1)`,
    [people.slice(0, 10)],
  )
  expect(rows).toEqual([{ people: 10 }])
  await db.owner.query('update gdpr.legal_holds set released_at = core.now()')
  expect((await drop()).filter(({ outcome }) => outcome === 'dropped')).toHaveLength(10)
})

test('a hold that is being placed is waited for', async () => {
  const client = await db.owner.connect()
  try {
    await client.query('begin')
    await client.query(`insert into gdpr.legal_holds (user_id, reason) values ($1, 'A case.')`, [people[0]])
    const dropping = worker().query(`select outcome from ops.drop_old_partitions('readings')`)
    await sleep(300)
    await client.query('commit')
    expect((await dropping).rows.filter(({ outcome }) => outcome === 'on_hold')).toHaveLength(1)
  } finally {
    client.release(true)
  }
})

test('retention is each table’s own; a number is a limit', async () => {
  await db.owner.query(
    `update ops.partitioned_tables set retention_months = 30 where table_name = 'readings'`,
  )
  const { rows } = await worker().query('select outcome from ops.drop_old_partitions(null, 2)')
  expect(rows).toHaveLength(2)
  expect(await drop()).toHaveLength(4)
  await db.owner.query(
    `update ops.partitioned_tables set retention_months = 24 where table_name = 'readings'`,
  )
  await expect(db.owner.query(`select from ops.drop_old_partitions('pg_class')`)).rejects.toMatchObject({
    message: 'table_not_partitioned',
  })
})

test('three workers at once: each month goes once', async () => {
  const all = await Promise.all([drop(), drop(), drop()])
  expect(all.flat().map(({ partition_name: name }) => name)).toHaveLength(12)
  expect(new Set(all.flat().map(({ partition_name: name }) => name)).size).toBe(12)
})

test('the audit log keeps its months: they go by another door', async () => {
  await db.owner.query(`select ops.create_monthly_partitions()`)
  const before = await months(db, 'core.audit_log')
  const client = await db.owner.connect()
  try {
    await client.query(`set howdah.clock_offset = '20 years'`)
    await client.query('select from ops.drop_old_partitions()')
  } finally {
    client.release(true)
  }
  expect(await months(db, 'core.audit_log')).toEqual(before)
  expect(await months(db, 'core.analytics_events')).toEqual([])
  await db.owner.query(`select ops.create_monthly_partitions()`)
})

test('twelve months go while people read and write: no error, nobody waits for half a second', async () => {
  await db.owner.query(
    `insert into ops.readings (user_id, read_at, note) select $1, ${AGO(30)} + n * interval '10 seconds', repeat('x', 200) from generate_series(1, 100000) n`,
    [people[10]],
  )
  const stop = await traffic(db, {
    'write a row': `insert into ops.readings (user_id, read_at) values ('${people[0]}', now())`,
    'write a row more': `insert into ops.readings (user_id, read_at) values ('${people[1]}', now())`,
    'read every month': `select max(read_at) from ops.readings where user_id = '${people[1]}' and id = 1`,
    'read this month': `select count(*) from ops.readings where read_at > now() - interval '1 second'`,
    'sign somebody up': `insert into core.users (email) values (gen_random_uuid() || '@example.com')`,
    'change an account': `update core.users set display_name = 'Reader' where id = '${people[2]}'`,
  })
  await sleep(200)
  const startedAt = performance.now()
  let dropped = 0
  for (;;) {
    const { rows } = await worker().query(`select outcome from ops.drop_old_partitions('ops.readings', 1)`)
    if (rows.length === 0) break
    dropped++
  }
  const tookMs = Math.round(performance.now() - startedAt)
  await sleep(200)
  const seen = await stop()
  console.log(
    `drop of ${dropped} months: ${tookMs} ms; ${seen.done} statements beside it, slowest ${seen.slowestMs} ms (${seen.slowest}), ${seen.errors.length} errors`,
  )
  expect(dropped).toBe(12)
  expect(seen.errors).toEqual([])
  expect(seen.slowestMs).toBeLessThanOrEqual(500)
})
