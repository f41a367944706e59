/** What the clock starts: each safe to repeat, each doing what it says (row O3). */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseCrontab } from 'graphile-worker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cronPeriods } from '../../../../worker/running/cron-periods.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { startWorkerProcess } from '../../../worker/support/worker-process.ts'

const HOUR = 3600
let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())
const worker = () => db.as('howdah_worker')
const one = async (sql: string) => (await db.owner.query(sql)).rows[0]

test('the eight tasks come as often as promised', async () => {
  const crontab = fileURLToPath(new URL('../../../../worker/crontab', import.meta.url))
  const periods = cronPeriods(parseCrontab(await readFile(crontab, 'utf8')), new Date('2026-11-20T00:00:00Z'))
  expect(periods).toMatchObject({
    'ops/refresh_views': HOUR,
    'ops/create_partitions': 24 * HOUR,
    'ops/drop_partitions': 7 * 24 * HOUR,
    'ops/vacuum_tables': 7 * 24 * HOUR,
    'ops/rebuild_indexes': 31 * 24 * HOUR,
    'ops/renew_statistics': 24 * HOUR,
    'ops/check_health': 300,
    'ops/note_long_queries': 60,
  })
})

test('statistics: what changed is analyzed, a partitioned table as a whole, and then nothing is due', async () => {
  await db.owner.query(`
    insert into core.users (email) values ('reader@example.com');
    insert into briefing.briefings (user_id, briefing_date, cards, timezone, generated_at)
    select id, current_date, '[]', 'UTC', now() from core.users`)
  await db.owner.query('select pg_stat_force_next_flush()')
  const due = async () =>
    (await worker().query('select relation from ops.tables_to_analyze() as t (relation)')).rows.map(
      (r) => r.relation,
    )
  await expect.poll(due).toContain('briefing.briefings')
  for (const relation of await due()) await worker().query('select ops.analyze_table($1)', [relation])
  await worker().query('select pg_stat_force_next_flush()')
  const stats = await one(
    `select count(*)::int as n from pg_stats where schemaname = 'briefing' and tablename = 'briefings' and inherited`,
  )
  expect(stats.n).toBeGreaterThan(5)
  await expect.poll(due).not.toContain('briefing.briefings')
  await worker().query(`select ops.analyze_table('pg_catalog.pg_class')`)
})

test('health: once in five minutes, whoever asks; thinned with the years', async () => {
  const take = async () => (await worker().query('select ops.take_metric_samples() as n')).rows[0].n
  const taken = await Promise.all([take(), take(), take()])
  expect(taken.filter((n) => n > 15)).toHaveLength(1)
  expect(taken.filter((n) => n === 0)).toHaveLength(2)

  await db.owner.query(`
    truncate ops.metric_samples;
    insert into ops.metric_samples (metric, value, sampled_at)
    select 'gauge', 1, at from generate_series(
      date_trunc('day', core.now(), 'UTC') - interval '500 days', core.now(), interval '5 minutes') as at`)
  await worker().query(`select gdpr.clean_up_batch('metric_samples')`)
  const count = async () =>
    one(`select
      count(*) filter (where sampled_at >= core.now() - interval '7 days')::int as every,
      count(*) filter (where sampled_at < core.now() - interval '7 days' and sampled_at >= core.now() - interval '90 days')::int as hourly,
      count(*) filter (where sampled_at < core.now() - interval '90 days')::int as daily
      from ops.metric_samples`)
  const kept = await count()
  expect(kept.every).toBeGreaterThanOrEqual(7 * 288)
  expect(Math.abs(kept.hourly - 83 * 24)).toBeLessThanOrEqual(1)
  expect(Math.abs(kept.daily - 310)).toBeLessThanOrEqual(1)
  await worker().query(`select gdpr.clean_up_batch('metric_samples')`)
  expect(await count()).toEqual(kept)
})

test('long queries: one row each however often they are seen, without their text', async () => {
  const client = await db.owner.connect()
  try {
    const { pid } = (await client.query('select pg_backend_pid() as pid')).rows[0]
    await client.query(`begin; select 'a word about somebody'`)
    const note = async () => (await worker().query('select ops.note_long_queries(0.01) as n')).rows[0].n
    const seen = async () =>
      (await db.owner.query('select from ops.long_queries where pid = $1', [pid])).rowCount
    await expect.poll(async () => (await note()) > 0 && (await seen())).toBe(1)
    await note()
    const { rows } = await db.owner.query(
      `select role, state, running_seconds > 0 as runs, to_jsonb(q)::text as text from ops.long_queries as q where pid = $1`,
      [pid],
    )
    expect(rows).toMatchObject([{ role: 'howdah_migrations', state: 'idle in transaction', runs: true }])
    expect(rows[0].text).not.toContain('somebody')
    expect(await one(`select status from service_levels where metric = 'longest_query_seconds'`)).toEqual({
      status: 'ok',
    })
    expect(await one(`select warn_at::int from ops.metrics where name = 'longest_query_seconds'`)).toEqual({
      warn_at: 30,
    })
  } finally {
    client.release(true)
  }
})

test('caches: today’s months, the accounts and their indexes; without pg_prewarm they are read', async () => {
  const warm = async () => (await worker().query('select relation, way from ops.warm_caches()')).rows
  const { month } = await one(`select to_char(core.now() at time zone 'UTC', 'YYYY_MM') as month`)
  const warmed = await warm()
  expect(new Set(warmed.map(({ way }) => way))).toEqual(new Set(['prewarmed']))
  expect(warmed.map(({ relation }) => relation)).toEqual(
    expect.arrayContaining(['core.users', 'core.users_pkey', `briefing.briefings_${month}`]),
  )
  await db.superuser.query('drop extension pg_prewarm')
  const read = await warm()
  expect(new Set(read.map(({ way }) => way))).toEqual(new Set(['read']))
  expect(read.map(({ relation }) => relation)).toContain(`briefing.briefings_${month}`)
})

test('run_full_maintenance(): what can be done is done, what cannot is queued, and the worker does it', async () => {
  await setClock(db, '40 days')
  const { rows } = await db.owner.query('select step, outcome, row_count::int from run_full_maintenance()')
  const outcomes = Object.fromEntries(
    rows.map(({ step, outcome, row_count }) => [step, [outcome, row_count]]),
  )
  expect(outcomes).toMatchObject({
    cleanup_expired_sessions: ['done', expect.any(Number)],
    create_monthly_partitions: ['done', expect.any(Number)],
    'refresh_view ops.user_statistics': ['refreshed', 30],
    'ops/vacuum_tables': [expect.stringMatching(/^queued as job \d+$/), null],
  })
  expect(outcomes['create_monthly_partitions']?.[1]).toBeGreaterThan(2)
  await db.owner.query('select run_full_maintenance()')
  expect(
    await one(
      `select count(*)::int as n from graphile_worker.jobs where key like 'cron:ops/%' and locked_at is null`,
    ),
  ).toEqual({ n: 4 })
  await using process = await startWorkerProcess(db.url('howdah_worker'))
  for (const task of ['ops/drop_partitions', 'ops/renew_statistics', 'ops/rebuild_indexes'])
    await process.line((line) => line['task'] === task && line.message === 'job done')
  const runs = await db.owner.query(
    `select task, row_count is not null as is_counted, took_seconds is not null as is_timed, error from ops.task_runs
     where task in ('ops/drop_partitions', 'ops/renew_statistics', 'ops/rebuild_indexes') and finished_at is not null order by task`,
  )
  expect(runs.rows).toEqual(
    ['ops/drop_partitions', 'ops/rebuild_indexes', 'ops/renew_statistics'].map((task) => ({
      task,
      is_counted: true,
      is_timed: true,
      error: null,
    })),
  )
})
