/** Slow queries without what was in them: neither operators nor howdah_monitoring read a literal, wherever it stood. */
import { afterAll, expect, test } from 'vitest'
import { testDatabase } from '../../../setup/database.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const { rowCount: preloaded } = await db.superuser.query(
  `select from pg_settings where name = 'shared_preload_libraries' and setting ~ 'pg_stat_statements'`,
)
const isPreloaded = preloaded === 1
if (!isPreloaded)
  console.log('slow queries: this server does not preload pg_stat_statements; only scrubbing is tried')

const SCRUBBED: [statement: string, left: string][] = [
  [`select 'canary'`, 'select ?'],
  [`select 'can''ary', 1`, 'select ?, ?'],
  [`select E'can\\'ary' || 'x'`, 'select ? || ?'],
  [`select $$canary$$, $1`, 'select ?, $1'],
  [`select $tag$ canary $$ canary $tag$ from t2`, 'select ? from t2'],
  [
    `select 1.5e10 + .5 - 0xff from core.users_2026 as u1 where u1.id = $12`,
    'select ? + ? - ? from core.users_2026 as u1 where u1.id = $12',
  ],
  [`select 1 -- canary's`, 'select ? ?'],
  [`select /* canary ' */ 2`, 'select ? ?'],
  [`select 'canary`, 'select ?'],
  [`alter role x password 'canary'`, 'alter role x password ?'],
]

test.each(SCRUBBED)('%s', async (statement, left) => {
  const { rows } = await db.owner.query('select ops.scrub_literals($1) as text', [statement])
  expect(rows[0].text).toBe(left)
})

test('nothing that ran with a canary shows it, and utility statements are not there at all', async () => {
  if (!isPreloaded) return
  const client = await db.superuser.connect()
  try {
    await client.query(`select length('canary-text') + 424242`)
    await client.query(`create table core.canary_table as select 'canary-created' as word`)
    await client.query(`do $$ begin perform 'canary-done'; end $$`)
    await client.query(`set application_name = 'canary-name'`)
    await client.query(`begin`)
    await client.query(`create role howdah_canary password 'canary-password'`)
    await client.query(`rollback`)
    await client.query(`prepare canary as select 'canary-prepared'`)
    await client.query(`declare c cursor with hold for select 'canary-cursor'`)
    await client.query(`explain select 'canary-explained'`)
  } finally {
    client.release(true)
  }
  const planted = await db.superuser.query(`select count(*)::int as n from extensions.pg_stat_statements
    where query ~ 'canary-'`)
  const shown = await db.owner.query('select query from slow_queries(0)')
  console.log(
    `slow queries: ${planted.rows[0].n} statements of pg_stat_statements hold the canary, of ${shown.rowCount} shown none`,
  )
  expect(planted.rows[0].n).toBeGreaterThan(0)
  expect(shown.rowCount).toBeGreaterThan(0)
  expect(shown.rows.filter(({ query }) => /canary-|424242/.test(query))).toEqual([])
  expect(
    shown.rows.filter(({ query }) => /^(create|alter|set|do|declare|prepare|explain)\b/i.test(query)),
  ).toEqual([])
  expect(shown.rows.some(({ query }) => /length\(\$1\)/.test(query))).toBe(true)
})

test('the runbook’s own words answer, for who types them without a schema', async () => {
  if (!isPreloaded) return
  for (const text of [
    'SELECT query, mean_time, calls FROM pg_stat_statements ORDER BY mean_time DESC LIMIT 10;',
    'SELECT query, shared_blks_hit, shared_blks_read FROM pg_stat_statements ORDER BY shared_blks_read DESC;',
    'SELECT * FROM monitor_connection_usage();',
  ]) {
    const { rows } = await db.owner.query(text)
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toMatch(/canary-/)
  }
})

test('operators and howdah_monitoring call it, and nobody else', async () => {
  const { rows } = await db.owner.query<{ role: string }>(
    `select r.rolname as role from pg_roles r where r.rolname ~ '^howdah_' and not r.rolsuper
       and has_function_privilege(r.oid, 'ops.slow_queries(numeric)', 'execute')
       and has_schema_privilege(r.oid, 'ops', 'usage') order by 1`,
  )
  expect(rows.map(({ role }) => role)).toEqual(['howdah_migrations', 'howdah_monitoring'])
})
