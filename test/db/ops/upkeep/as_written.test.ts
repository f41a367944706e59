/** The commands of the documents, typed as they stand there. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runSql } from '../../../../stack/db/sql.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

test.each([
  'SELECT cleanup_expired_sessions();',
  'SELECT refresh_user_stats();',
  'SELECT * FROM monitor_connection_usage();',
  'ANALYZE VERBOSE;',
  'VACUUM ANALYZE;',
  `SELECT create_monthly_partitions('briefings', 3);`,
  'SELECT create_monthly_partitions();',
  'SELECT * FROM drop_old_partitions();',
  'SELECT * FROM get_long_running_queries();',
  'SELECT * FROM run_full_maintenance();',
  'SELECT * FROM warm_caches();',
  `SELECT * FROM refresh_view('user_statistics');`,
  `SET statement_timeout = '5s'; SET lock_timeout = '2s';`,
  `SELECT * FROM user_activity_summary;`,
])('%s', async (sql) => {
  const { error, results } = await runSql(db.target, sql)
  expect(error).toBeUndefined()
  expect(results.length).toBeGreaterThan(0)
})

test('REINDEX DATABASE, by the name it has', async () => {
  expect((await runSql(db.target, `REINDEX DATABASE ${db.name}`)).error).toBeUndefined()
}, 60_000)
