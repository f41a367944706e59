/** The daily turn: every policy, in batches, and one that fails does not stop the others. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFeedReader } from '../../../worker/feeds/feed-reader.ts'
import { parseFetchAllow } from '../../../worker/outgoing/fetch-allow.ts'
import { task } from '../../../worker/tasks/gdpr/clean_up.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { taskContext } from '../support/task-context.ts'

let db: TestDatabase
const reader = createFeedReader()
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(async () => {
  await reader[Symbol.asyncDispose]()
  await db.drop()
})

const run = () =>
  task({}, taskContext({ pool: db.as('howdah_worker'), reader, allow: parseFetchAllow(''), dataDir: '/tmp' }))
const counts = async () =>
  (
    await db.owner.query(
      `select (select count(*)::int from ops.task_runs) as runs, (select count(*)::int from core.mails) as mails`,
    )
  ).rows[0]

test('takes more than a batch of one policy, and of every other, and keeps the record', async () => {
  await db.owner.query(`
    insert into ops.task_runs (task, job_id, started_at)
    select 'test/runs', i, now() - interval '31 days' from generate_series(1, 2500) as i;
    with reader as (insert into core.users (email) values ('reader@example.com') returning id)
    insert into core.mails (kind, user_id, state, finished_at, created_at)
    select 'verify_email', id, 'sent', now(), now() - interval '31 days' from reader`)
  expect(await counts()).toEqual({ runs: 2500, mails: 1 })
  await run()
  expect(await counts()).toEqual({ runs: 0, mails: 0 })
  const { rows } = await db.owner.query(
    `select number, record #>> '{time_limits,mails,keep}' as mails from gdpr.processing_record_versions order by number`,
  )
  expect(rows).toEqual([{ number: 1, mails: '30 days' }])
  await db.owner.query(`select set_retention('mails', '7 days')`)
  await run()
  await run()
  const later = await db.owner.query(
    `select number, record #>> '{time_limits,mails,keep}' as mails from gdpr.processing_record_versions order by number`,
  )
  expect(later.rows).toEqual([
    { number: 1, mails: '30 days' },
    { number: 2, mails: '7 days' },
  ])
})

test('one that fails is told at the end, when the others are done', async () => {
  await db.owner.query(`
    update gdpr.retention_policies set condition = 'r.seed' where name = 'alerts';
    insert into ops.task_runs (task, job_id, started_at) values ('test/runs', 1, now() - interval '31 days')`)
  await expect(run()).rejects.toThrow('seed')
  expect((await counts()).runs).toBe(0)
})
