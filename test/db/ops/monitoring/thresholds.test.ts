/** O2: every threshold the documents name is a rule, with exactly that value, and opens an alert there. */
import { afterAll, expect, test } from 'vitest'
import { testDatabase } from '../../../setup/database.ts'

const db = await testDatabase()
afterAll(() => db.drop())

/** What the documents say, and the rule that says it here. */
const NAMED: [says: string, metric: string, severity: string, comparison: string, threshold: number][] = [
  ['query > 100 ms', 'query_mean_milliseconds', 'warn', '>=', 100],
  ['slow > 1 s', 'query_mean_milliseconds', 'critical', '>=', 1000],
  ['slow > 1 s, any kind of query', 'slow_queries', 'warn', '>=', 1],
  ['connections > 80 %', 'connections_used_ratio', 'warn', '>=', 0.8],
  ['pool > 80 %', 'api_pool_used_ratio', 'warn', '>=', 0.8],
  ['cache hit < 95 %', 'cache_hit_ratio', 'warn', '<=', 0.95],
  ['lag > 1 s', 'replication_lag_seconds', 'warn', '>=', 1],
  ['lag > 10 s', 'replication_lag_seconds', 'critical', '>=', 10],
  ['dead tuples > 20 %', 'dead_rows_ratio', 'warn', '>=', 0.2],
  ['running > 30 s', 'longest_query_seconds', 'warn', '>=', 30],
  ['disk 80 % (O-18)', 'disk_used_ratio', 'warn', '>=', 0.8],
  ['disk > 85 %', 'disk_used_ratio', 'critical', '>=', 0.85],
  ['lock timeouts, before', 'lock_waits', 'warn', '>=', 1],
  ['lock timeouts, of the worker', 'lock_timeouts', 'warn', '>=', 1],
]

test.each(NAMED)('%s', async (_says, metric, severity, comparison, threshold) => {
  const { rows } = await db.owner.query(
    'select comparison, threshold::float8 from alert_rules where metric = $1 and severity = $2',
    [metric, severity],
  )
  expect(rows).toEqual([{ comparison, threshold }])
})

test('each of these metrics has a source that answers it, or would', async () => {
  const { rows } = await db.owner.query<{ metric: string; source: string }>(
    `select m.name as metric, p.prosrc as source from ops.metrics as m
     join pg_proc as p on p.oid = format('%I.%I()', m.source_schema, m.source_function)::regprocedure`,
  )
  const sources = new Map(rows.map(({ metric, source }) => [metric, source]))
  for (const [, metric] of NAMED) expect(sources.get(metric), metric).toContain(`'${metric}'`)
})

test('business health stands beside database health', async () => {
  const { rows } = await db.owner.query(
    `select metric from service_levels where metric in ('briefing_lag_seconds', 'briefings_overdue', 'briefings_failing',
       'job_lag_seconds', 'jobs_failed', 'connections_used_ratio') and status = 'ok'`,
  )
  expect(new Set(rows.map(({ metric }) => metric)).size).toBe(6)
})

test('a disk is as full as the worker says, and unknown when it says nothing any more', async () => {
  const disk = async () =>
    (
      await db.owner.query(
        `select labels ->> 'place' as place, value::float8, status from service_levels where metric = 'disk_used_ratio' order by 1`,
      )
    ).rows
  expect(await disk()).toEqual([])
  const worker = db.as('howdah_worker')
  await worker.query(`select ops.record_disk_usage('worker', 1000, 201)`)
  expect(await disk()).toEqual([{ place: 'worker', value: 0.799, status: 'ok' }])
  await worker.query(`select ops.record_disk_usage('worker', 1000, 200)`)
  expect(await disk()).toEqual([{ place: 'worker', value: 0.8, status: 'warn' }])
  await worker.query(`select ops.record_disk_usage('worker', 1000, 150)`)
  expect(await disk()).toEqual([{ place: 'worker', value: 0.85, status: 'critical' }])
  await db.owner.query(`update ops.disk_usage set sampled_at = sampled_at - interval '11 minutes'`)
  expect(await disk()).toEqual([{ place: 'worker', value: null, status: 'unknown' }])
  // Where nobody sees the disk, its size can be told.
  await db.owner.query(`delete from ops.disk_usage; select ops.set_setting('database_disk_bytes', '1000000')`)
  expect(await disk()).toMatchObject([{ place: 'database_files', status: 'critical' }])
})

test('somebody who waits for a lock for a second is counted, and a task that waited in vain', async () => {
  const value = async (metric: string) =>
    (await db.owner.query('select value::int from service_levels where metric = $1', [metric])).rows[0].value
  expect([await value('lock_waits'), await value('lock_timeouts')]).toEqual([0, 0])
  const [holder, waiter] = await Promise.all([db.owner.connect(), db.owner.connect()])
  try {
    await holder.query('begin; lock table briefing.topics in access exclusive mode')
    const waiting = waiter.query('select count(*) from briefing.topics')
    // Measuring waits for nobody.
    await expect.poll(() => value('lock_waits'), { timeout: 5000 }).toBe(1)
    await holder.query('commit')
    await waiting
  } finally {
    holder.release(true)
    waiter.release(true)
  }
  await db.owner.query(`select ops.finish_task_run(ops.begin_task_run('core/seal_audit', 1), '55P03')`)
  expect(await value('lock_timeouts')).toBe(1)
})
