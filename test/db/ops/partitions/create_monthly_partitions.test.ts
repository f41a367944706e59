/** ops.create_monthly_partitions: months exist before they are written to, whatever the clock and the zone. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
  await db.owner.query(`
    create table ops.readings (read_at timestamptz not null, primary key (read_at)) partition by range (read_at);
    select ops.declare_partitioned_table('ops.readings', 'read_at', 3)`)
})
afterAll(() => db.drop())

const partitions = async (table: string) => {
  const { rows } = await db.owner.query(
    `select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bound, c.relrowsecurity as has_rls, c.relacl as grants
     from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = $1::regclass and pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT' order by 1`,
    [table],
  )
  return rows
}
const moveTo = async (instant: string) => {
  const { rows } = await db.owner.query('select ($1::timestamptz - now())::text as offset', [instant])
  await setClock(db, rows[0].offset)
}

test.each([
  ['2027-12-31T23:59:30Z', '2027_11', '2028_03'],
  ['2032-02-29T12:00:00Z', '2032_01', '2032_05'],
  ['2035-01-01T00:00:00Z', '2034_12', '2035_04'],
])('at %s makes the months from %s to %s', async (instant, first, last) => {
  await moveTo(instant)
  const before = (await partitions('ops.readings')).map((p) => p.name)
  const { rows } = await db.owner.query(`select ops.create_monthly_partitions('readings') as made`)
  const made = (await partitions('ops.readings')).filter((p) => !before.includes(p.name))
  expect(rows[0].made).toBe(made.length)
  expect([made.at(0)?.name, made.at(-1)?.name]).toEqual([`readings_${first}`, `readings_${last}`])
  expect(made.every((p) => p.has_rls && p.grants === null)).toBe(true)
  const again = await db.owner.query('select ops.create_monthly_partitions() as made')
  expect((await db.owner.query('select ops.create_monthly_partitions() as made')).rows[0].made).toBe(0)
  expect(again.rows[0].made).toBeGreaterThanOrEqual(0)
})

test('cuts in UTC whatever the zone of the session, so that no instant falls between or into two', async () => {
  const client = await db.owner.connect()
  try {
    await client.query(`set timezone = 'Pacific/Auckland'`)
    await client.query(`select ops.create_monthly_partitions('ops.readings', 6)`)
    await client.query(`set timezone = 'America/New_York'`)
    await client.query(`select ops.create_monthly_partitions('ops.readings', 12)`)
    const { rows } = await client.query(`
      insert into ops.readings
      select instant from generate_series(
        timestamptz '2034-12-01 00:00:00Z', timestamptz '2035-12-31 23:30:00Z', interval '6 hours 30 minutes') as instant
      returning tableoid::regclass::text = 'readings_' || to_char(read_at at time zone 'UTC', 'YYYY_MM') as is_right`)
    expect(rows.length).toBeGreaterThan(1000)
    expect(rows.every((row) => row.is_right)).toBe(true)
  } finally {
    client.release(true)
  }
})

test('lets two workers ask at once', async () => {
  await moveTo('2040-06-15T00:00:00Z')
  const worker = db.as('howdah_worker')
  const made = await Promise.all(
    Array.from({ length: 5 }, () => worker.query('select ops.create_monthly_partitions() as made')),
  )
  expect(made.map((m) => m.rows[0].made).filter((n) => n > 0)).toHaveLength(1)
})

test('refuses tables that nobody declared and silly numbers', async () => {
  await expect(db.owner.query(`select ops.create_monthly_partitions('pg_class')`)).rejects.toMatchObject({
    code: 'PT404',
    message: 'table_not_partitioned',
  })
  await expect(db.owner.query(`select ops.create_monthly_partitions('readings', 0)`)).rejects.toMatchObject({
    message: 'months_ahead_invalid',
  })
})
