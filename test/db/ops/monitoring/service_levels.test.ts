/** What is measured is true, a failing source costs only its own metrics, and thresholds that were changed stay. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

const level = async (metric: string, labels = '{}') => {
  const { rows } = await db.owner.query(
    'select value::float8, status, error_code from service_levels where metric = $1 and labels @> $2',
    [metric, labels],
  )
  return rows[0]
}

test('every declared metric that can be measured here is, and its source answers nothing undeclared', async () => {
  const { rows } = await db.owner.query(`
    select s.metric, m.name is null as is_undeclared, s.error_code
    from ops.measure() as s left join ops.metrics as m on m.name = s.metric`)
  console.log(`metrics: ${new Set(rows.map((row) => row.metric)).size} measured in ${rows.length} rows`)
  expect(rows.length).toBeGreaterThan(15)
  expect(rows.filter((row) => row.is_undeclared)).toEqual([])
  // A server that does not preload pg_stat_statements says so; nothing else may fail.
  expect(rows.filter((row) => row.error_code && row.error_code !== '55000')).toEqual([])
})

test('a session that sleeps in a transaction and one that waits for its lock are seen', async () => {
  const [holder, waiter] = await Promise.all([db.owner.connect(), db.owner.connect()])
  try {
    await holder.query('begin')
    await holder.query('lock table briefing.topics in access exclusive mode')
    const waiting = waiter.query('select count(*) from briefing.topics')
    await expect
      .poll(async () => (await db.owner.query('select relation, blocked_by from blocked_queries')).rows)
      .toMatchObject([{ relation: 'briefing.topics', blocked_by: [expect.any(Number)] }])
    await expect.poll(async () => (await level('longest_lock_wait_seconds')).value).toBeGreaterThan(0)
    expect((await level('longest_idle_transaction_seconds')).value).toBeGreaterThan(0)
    const long = await db.owner.query('select query, blocked_by from get_long_running_queries(0)')
    expect(
      long.rows.find((row) => row.query === 'select count(*) from briefing.topics')?.blocked_by,
    ).toHaveLength(1)
    await holder.query('commit')
    await waiting
    expect((await level('longest_lock_wait_seconds')).value).toBe(0)
  } finally {
    holder.release(true)
    waiter.release(true)
  }
})

test('the months that exist are counted in days, and the ones dropped are missed', async () => {
  const table = '{"relation": "briefing.briefings"}'
  const before = await level('partition_runway_days', table)
  expect(before.value).toBeGreaterThan(80)
  expect(before.status).toBe('ok')
  const { rows } = await db.owner.query(`
    select i.inhrelid::regclass::text as name from pg_inherits as i
    where i.inhparent = 'briefing.briefings'::regclass and i.inhrelid::regclass::text !~ 'default' order by 1 desc limit 3`)
  for (const { name } of rows) await db.owner.query(`drop table ${name}`)
  const after = await level('partition_runway_days', table)
  expect(before.value - after.value).toBeGreaterThan(85)
  expect(after.status).not.toBe('ok')
})

test('a source that fails leaves its metrics unknown and the others measured', async () => {
  await db.owner.query(`
    create function ops.measure_broken() returns table (metric text, labels jsonb, value numeric)
      language sql as $$ select 'broken', '{}'::jsonb, 1 / 0::numeric $$;
    select ops.declare_metric('broken', 'product', 'count', 'ops.measure_broken()', 'Divides by zero.', 1)`)
  expect(await level('broken')).toEqual({ value: null, status: 'unknown', error_code: '22012' })
  expect((await level('connections_used_ratio')).value).toBeGreaterThan(0)
})

test('declaring again keeps a threshold that an operator changed', async () => {
  await db.owner.query(`update ops.metrics set warn_at = 0.0001 where name = 'connections_used_ratio'`)
  await db.owner.query(`
    select ops.declare_metric('connections_used_ratio', 'database', 'ratio', 'ops.measure_connections()', 'Again.', 0.8, 0.95)`)
  expect((await level('connections_used_ratio')).status).toBe('warn')
})

test('low is bad where a metric says so, and a value on the threshold is bad', async () => {
  const { rows } = await db.owner.query(`
    select ops.metric_status(v, 2, 1, true) as low, ops.metric_status(v, 1, 2, false) as high
    from (values (0.5), (1), (1.5), (2), (2.5), (null)) as t (v)`)
  expect(rows.map((row) => row.low)).toEqual(['critical', 'critical', 'warn', 'warn', 'ok', 'unknown'])
  expect(rows.map((row) => row.high)).toEqual(['ok', 'warn', 'warn', 'critical', 'critical', 'unknown'])
})

test.each([
  'database_health',
  'performance_metrics',
  'user_activity_summary',
  'table_statistics',
  'index_usage',
  'monitor_connection_usage()',
])('an operator types select * from %s', async (relation) => {
  const { rows } = await db.owner.query(`select * from ${relation}`)
  expect(rows.length).toBeGreaterThan(0)
})

test('no index of ours is there twice', async () => {
  const { rows } = await db.owner.query(
    'select index, duplicates from index_usage where duplicates is not null',
  )
  expect(rows).toEqual([])
  await db.owner.query('create index twice on briefing.topics (slug)')
  const again = await db.owner.query('select index from index_usage where duplicates is not null order by 1')
  expect(again.rows).toEqual([{ index: 'topics_pkey' }, { index: 'twice' }])
})
