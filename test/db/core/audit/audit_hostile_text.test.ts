/** T-11: what somebody writes into a field stays a value of that field in the audit log. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  await db.owner.query(`
    create table ops.things (id int primary key, name text);
    select core.audit_table('ops.things')`)
})
afterAll(() => db.drop())

test('T-11: hostile text changes neither the number of events nor what they say', async () => {
  const HOSTILE = [
    'two\nlines\r\nthree',
    '\u001b[31mred\u001b[0m',
    '\\u0000 \\x00 %00',
    '\u202egnirts\u202c',
    '"}],{"operation":"delete',
    `'; drop table core.audit_log; --`,
    'x'.repeat(1024 * 1024),
    '1:a2:bb-',
    '\u0001\u007f',
    '💥'.repeat(1000),
  ]
  for (const [n, name] of HOSTILE.entries()) {
    const { rows: before } = await db.owner.query('select count(*)::int as n from core.audit_log')
    await db.owner.query('insert into ops.things (id, name) values ($1, $2)', [5000 + n, name])
    const { rows } = await db.owner.query(
      `select (select count(*)::int from core.audit_log) - $1::int as added, new_values ->> 'name' as name, ops.is_audit_event_intact(e) as fits
       from core.audit_log e where relation = 'ops.things' and key = $2`,
      [before[0].n, { id: 5000 + n }],
    )
    expect(rows).toEqual([{ added: 1, name, fits: true }])
  }
  const person = await signUp(api)
  for (const id of ['a b', 'ada@example.com', 'x'.repeat(101), '"quoted"', 'tab\tbed']) {
    const { rows: since } = await db.owner.query('select max(id) as id from core.audit_log')
    const headers = { 'x-request-id': id }
    await api.request('POST', '/rpc/follow_topic', {
      token: person.token,
      body: { topic: await topic() },
      headers,
    })
    await api.request('POST', '/rpc/unfollow_topic', {
      token: person.token,
      body: { topic: await topic() },
      headers,
    })
    const { rows } = await db.owner.query(
      'select distinct request_id ~ $2 as is_ours from core.audit_log where id > $1',
      [since[0].id, '^tx-[0-9]+$'],
    )
    expect(rows).toEqual([{ is_ours: true }])
  }
})

async function topic(): Promise<string> {
  await db.owner.query(
    `insert into briefing.topics (slug, name) values ('audits', 'Audits') on conflict do nothing`,
  )
  return 'audits'
}
