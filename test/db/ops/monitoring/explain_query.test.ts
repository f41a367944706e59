/** A plan for one SELECT; nothing else gets through, and what is run is undone. */
import { afterAll, expect, test } from 'vitest'
import { testDatabase } from '../../../setup/database.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const explain = async (query: string, isRun = false): Promise<string> => {
  const { rows } = await db.owner.query<{ line: string }>('select ops.explain_query($1, $2) as line', [
    query,
    isRun,
  ])
  return rows.map(({ line }) => line).join('\n')
}

test.each([
  ['select * from core.users where id = core.new_id()', /users/],
  ['select * from schema_migrations -- with a comment', /migrations/],
  ['with mine as (select 1 as one) select * from mine', /Result/],
  ['values (1), (2)', /Values Scan/],
  ['(select 1 order by 1 limit 1)', /Limit|Result/],
  ["select ';' as semicolon", /Result/],
])('%s', async (query, plan) => expect(await explain(query)).toMatch(plan))

const REFUSED = [
  'delete from core.users',
  "update core.users set email = 'x@example.com'",
  "insert into core.settings values ('a', '1')",
  'with gone as (delete from core.users returning 1) select * from gone',
  'select 1; drop table core.users',
  'select 1; select 2',
  'select 1;',
  'select 1) as explained; delete from core.users; select * from (select 1',
  'select * into copied from core.users',
  'create table copied as select 1',
  'analyze select 1',
  '(analyze) delete from core.users',
  'execute something',
  'truncate core.users',
  'do $$ begin end $$',
  'copy core.users to stdout',
  'select $1',
  '',
]

test.each(REFUSED)('%j is refused, to be shown as to be run (query_not_explained)', async (query) => {
  await db.owner.query(`insert into core.users (email) values ('ada@example.com') on conflict do nothing`)
  await expect(explain(query)).rejects.toThrow('query_not_explained')
  const client = await db.owner.connect()
  try {
    await client.query(`set statement_timeout = '5s'`)
    await expect(client.query('select ops.explain_query($1, true)', [query])).rejects.toThrow(
      'query_not_explained',
    )
  } finally {
    client.release(true)
  }
  const { rows } = await db.owner.query(
    `select count(*)::int as n, to_regclass('copied') as copied from core.users`,
  )
  expect(rows).toEqual([{ n: 1, copied: null }])
})

test('run, it is timed, writes nothing and leaves nothing behind', async () => {
  const client = await db.owner.connect()
  try {
    await expect(client.query(`select ops.explain_query('select 1', true)`)).rejects.toThrow(
      'statement_timeout_missing',
    )
    await client.query(`set statement_timeout = '2min'`)
    await expect(client.query(`select ops.explain_query('select 1', true)`)).rejects.toThrow(
      'statement_timeout_missing',
    )
    await client.query(`set statement_timeout = '300ms'`)
    const { rows } = await client.query(
      `select ops.explain_query('select count(*) from core.users', true) as line`,
    )
    expect(rows.map(({ line }) => line).join('\n')).toMatch(/actual time[\s\S]*Execution Time/)
    await expect(
      client.query(`select ops.explain_query('select core.enqueue_job(''core/send_mail'')', true)`),
    ).rejects.toThrow('query_not_explained')
    await client.query(
      `select ops.explain_query('select set_config(''howdah.left'', ''behind'', false)', true)`,
    )
    const left = await client.query(
      `select nullif(current_setting('howdah.left', true), '') as left, current_setting('transaction_read_only') as read_only`,
    )
    expect(left.rows).toEqual([{ left: null, read_only: 'off' }])
    const from = performance.now()
    await expect(client.query(`select ops.explain_query('select pg_sleep(20)', true)`)).rejects.toThrow(
      /timeout/,
    )
    expect(performance.now() - from).toBeLessThan(3000)
  } finally {
    client.release(true)
  }
})

test('no role but the owner may call it', async () => {
  for (const role of ['howdah_user', 'howdah_admin', 'howdah_worker', 'howdah_readonly'] as const)
    await expect(db.as(role).query(`select ops.explain_query('select 1')`)).rejects.toThrow(
      /permission denied/,
    )
})
