/** VACUUM and REINDEX CONCURRENTLY by the worker: what is worth it, one at a time, and never silently not at all. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLog } from '../../../worker/log.ts'
import { alone } from '../../../worker/running/alone.ts'
import { recordRun } from '../../../worker/running/task-runs.ts'
import { rebuildIndexes, vacuumTables } from '../../../worker/upkeep/maintain.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'

let db: TestDatabase
let mayMaintain: boolean
beforeAll(async () => {
  db = await testDatabase()
  mayMaintain = (await db.as('howdah_worker').query('select ops.may_maintain() as may')).rows[0].may
})
afterAll(() => db.drop())

/** As the worker where it may, as the owner (npm run db:maintain) on a server older than Postgres 17. */
const pool = () => db.as(mayMaintain ? 'howdah_worker' : 'howdah_migrations')
const said: string[] = []
const log = createLog({ write: (line) => said.push(line) })
const signal = new AbortController().signal
const maintenance = () => ({ pool: pool(), log, signal })
const worthIt = async () =>
  (await db.owner.query('select relation, reason from ops.tables_to_vacuum() order by 1')).rows
const settled = () => db.superuser.query('select pg_stat_force_next_flush()')

test('since Postgres 17 the worker may; before, it does not', async () => {
  const { rows } = await db.owner.query(`select current_setting('server_version_num')::int as version`)
  expect(mayMaintain).toBe(rows[0].version >= 170000)
})

test('tables with enough dead rows are vacuumed, in any schema, and others are not', async () => {
  await db.owner.query(`
    create table private.churned (id int primary key) with (autovacuum_enabled = off);
    create table ops."Odd name" (id int primary key) with (autovacuum_enabled = off);
    create table ops.quiet (id int primary key) with (autovacuum_enabled = off);
    insert into private.churned select generate_series(1, 5000);
    insert into ops."Odd name" select generate_series(1, 5000);
    insert into ops.quiet select generate_series(1, 5000)`)
  await db.owner.query(`
    delete from private.churned where id > 2500; delete from ops."Odd name" where id > 2500; delete from ops.quiet where id > 4990;
    select pg_stat_force_next_flush()`)
  await settled()
  await expect.poll(worthIt).toEqual([
    { relation: 'ops."Odd name"', reason: 'dead_rows' },
    { relation: 'private.churned', reason: 'dead_rows' },
  ])
  const runs = await Promise.all([vacuumTables(maintenance()), vacuumTables(maintenance())])
  expect(runs).toContain(2)
  // The other found somebody at it, or nothing left.
  expect(runs.filter((run) => run === undefined || run === 0)).toHaveLength(1)
  await expect.poll(worthIt).toEqual([])
  expect(said.filter((line) => line.includes('vacuumed a table'))).toHaveLength(2)
  expect(await vacuumTables(maintenance())).toBe(0)
})

test('a bloated index is made anew, under readers and writers; a small or full one is not', async () => {
  await db.owner.query(`
    create table ops.bloated (id bigint primary key, note text) with (autovacuum_enabled = off);
    insert into ops.bloated select n, 'note' from generate_series(1, 450000) n`)
  await db.owner.query('delete from ops.bloated where id % 20 > 0')
  await db.superuser.query('vacuum (analyze) ops.bloated')
  const bloated = async () =>
    (await db.owner.query('select index, bloat_ratio::float8, size_bytes::int from ops.indexes_to_rebuild()'))
      .rows
  const [before] = await bloated()
  expect(before).toMatchObject({ index: 'ops.bloated_pkey' })
  expect(before.bloat_ratio).toBeGreaterThan(0.9)
  const writer = db.owner.query(
    `insert into ops.bloated select n, 'new' from generate_series(1000001, 1001000) n`,
  )
  expect(await rebuildIndexes(maintenance())).toBe(1)
  await writer
  expect(await bloated()).toEqual([])
  const { rows } = await db.owner.query(`select pg_relation_size('ops.bloated_pkey')::int as size`)
  console.log(`rebuilt an index: ${before.size_bytes} to ${rows[0].size} bytes`)
  expect(rows[0].size).toBeLessThan(before.size_bytes / 5)
})

test('what a rebuild that was cut off has left is an alarm, and goes', async () => {
  await db.owner.query('create table ops.twins (id int); insert into ops.twins values (1), (1)')
  await expect(
    db.owner.query('create unique index concurrently twins_id_idx_ccnew on ops.twins (id)'),
  ).rejects.toMatchObject({ code: '23505' })
  const level = async () =>
    (await db.owner.query(`select value::int, status from service_levels where metric = 'invalid_indexes'`))
      .rows[0]
  expect(await level()).toEqual({ value: 1, status: 'warn' })
  expect(await rebuildIndexes(maintenance())).toBe(0)
  expect(await level()).toEqual({ value: 0, status: 'ok' })
})

test('a turn that comes while the one before is still at it does nothing, and says so', async () => {
  await alone(pool(), 'vacuum', async () => {
    const job = { id: '1', key: 'cron:ops/vacuum_tables', task_identifier: 'ops/vacuum_tables' }
    await recordRun(pool(), job, () => vacuumTables(maintenance()))
  })
  const { rows } = await db.owner.query(
    `select row_count, error, took_seconds >= 0 as took from ops.task_runs where task = 'ops/vacuum_tables'`,
  )
  expect(rows).toEqual([{ row_count: null, error: null, took: true }])
  expect(await vacuumTables(maintenance())).toBeTypeOf('number')
})

test('limits of the role are back afterwards', async () => {
  const client = await db.as('howdah_worker').connect()
  try {
    expect((await client.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '5min' }])
    expect((await client.query('show lock_timeout')).rows).toEqual([{ lock_timeout: '2s' }])
  } finally {
    client.release()
  }
})

test('where it may not, the run fails by name instead of doing nothing (maintenance_not_permitted)', async () => {
  await db.owner.query(`
    create or replace function ops.may_maintain() returns boolean language sql stable as $$ select false $$;
    insert into ops.quiet select generate_series(10000, 30000);
    delete from ops.quiet where id >= 10000;
    select pg_stat_force_next_flush()`)
  await settled()
  await expect.poll(worthIt).toContainEqual({ relation: 'ops.quiet', reason: 'dead_rows' })
  const job = { id: '2', key: 'cron:ops/vacuum_tables', task_identifier: 'ops/vacuum_tables' }
  await expect(recordRun(pool(), job, () => vacuumTables(maintenance()))).rejects.toMatchObject({
    key: 'maintenance_not_permitted',
  })
  const { rows } = await db.owner.query('select error from ops.task_runs where job_id = 2')
  expect(rows).toEqual([{ error: 'maintenance_not_permitted' }])
})
