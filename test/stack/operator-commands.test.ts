/** What operators of other Postgres systems type by habit: every command answers, and sensibly. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runSql, type SqlResult } from '../../stack/db/sql.ts'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'

const EMAIL = 'user@example.com'
const db = await testDatabase()
beforeAll(async () => {
  const api = await testApi(db)
  const signedUp = await api.rpc('sign_up', { email: EMAIL, password: 'correct horse battery' })
  expect(signedUp.status).toBe(200)
})
afterAll(() => db.drop())

const columns =
  (...names: string[]) =>
  (result: SqlResult) =>
    expect(result.columns).toEqual(expect.arrayContaining(names))
const rows =
  (...names: string[]) =>
  (result: SqlResult) => {
    columns(...names)(result)
    expect(result.rows.length).toBeGreaterThan(0)
  }
const tag = (expected: string) => (result: SqlResult) => expect(result.tag).toBe(expected)
const number = (result: SqlResult) => expect(result.rows[0]?.[0]).toMatch(/^\d+$/)
const json = (check: (value: Record<string, unknown>) => void) => (result: SqlResult) =>
  check(JSON.parse(result.rows[0]?.[0] ?? 'null'))

/** In this order: the account is exported before it goes. */
const TYPED: [string, (result: SqlResult) => void][] = [
  [
    `SELECT export_user_data('${EMAIL}');`,
    json((data) => expect(Object.keys(data['tables'] as object)).toContain('core.users')),
  ],
  [`SELECT soft_delete_user('${EMAIL}');`, tag('SELECT 1')],
  ['SELECT * FROM generate_user_data_inventory();', rows('relation', 'column_name', 'class', 'on_erase')],
  ['SELECT * FROM database_health;', rows('metric', 'value', 'status')],
  ['SELECT * FROM performance_metrics;', rows('metric', 'value', 'status')],
  ['SELECT * FROM user_activity_summary;', columns('day')],
  ['SELECT * FROM schema_migrations ORDER BY applied_at DESC;', rows('filename', 'applied_at')],
  ['SELECT cleanup_expired_sessions();', number],
  ['SELECT refresh_user_stats();', tag('SELECT 1')],
  ['SELECT * FROM monitor_connection_usage();', rows()],
  ['ANALYZE VERBOSE;', tag('ANALYZE')],
  ['VACUUM ANALYZE;', tag('VACUUM')],
  [`SELECT create_monthly_partitions('briefings', 3);`, number],
  ['SELECT create_monthly_partitions();', number],
  ['SELECT * FROM drop_old_partitions();', columns()],
  [`SELECT * FROM refresh_view('user_statistics');`, rows('outcome')],
  ['SELECT schedule_gdpr_cleanup();', rows('schedule_gdpr_cleanup')],
  ['SELECT run_full_maintenance();', rows('run_full_maintenance')],
  ['SELECT warm_caches();', columns('warm_caches')],
  ['SELECT * FROM get_long_running_queries();', columns('query')],
  ['SELECT * FROM slow_queries();', columns('query')],
  [
    'SELECT query, mean_time, calls FROM pg_stat_statements ORDER BY mean_time DESC LIMIT 10;',
    rows('query', 'mean_time'),
  ],
  [
    'SELECT query, shared_blks_hit, shared_blks_read FROM pg_stat_statements ORDER BY shared_blks_read DESC;',
    rows('query', 'shared_blks_read'),
  ],
  [`SET statement_timeout = '5s';`, tag('SET')],
  [`SET lock_timeout = '2s';`, tag('SET')],
]

it.each(TYPED)('%s', async (command, answersSensibly) => {
  const { results, error } = await runSql(db.target, command)
  expect(error).toBeUndefined()
  expect(results.length).toBe(1)
  answersSensibly(results[0] as SqlResult)
})

it('REINDEX DATABASE, by the name that this database has', async () => {
  const { results, error } = await runSql(db.target, `REINDEX DATABASE ${db.name};`)
  expect(error).toBeUndefined()
  expect(results[0]?.tag).toBe('REINDEX')
})

it('the account is out of service and still whole', async () => {
  const { results } = await runSql(
    db.target,
    `select deleted_at is not null from core.users where email = '${EMAIL}'`,
  )
  expect(results[0]?.rows).toEqual([['t']])
})
