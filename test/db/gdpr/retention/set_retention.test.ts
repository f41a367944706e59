/** Operators change how long something is kept, wherever that is written, and no release sets it back. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PROJECT_DIR } from '../../../../stack/project-dir.ts'
import { testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

const set = async (policy: string, keep: string | null) =>
  (await db.owner.query('select set_retention($1, $2)::text as keep', [policy, keep])).rows[0].keep
const keep = async (policy: string) =>
  (await db.owner.query('select gdpr.retention_keep($1)::text as keep', [policy])).rows[0].keep

test.each([
  ['mails', '7 days', '7 days', `select keep::text as v from gdpr.retention_policies where name = 'mails'`],
  ['notifications', '10 days', '10 days', `select core.setting('notification_retention_days')::text as v`],
  [
    'briefings',
    '3 mons',
    '3 mons',
    `select retention_months::text as v from ops.partitioned_tables where table_name = 'briefings'`,
  ],
])('%s: %s stands in one place', async (policy, wanted, kept, where) => {
  expect(await set(policy, wanted)).toBe(kept)
  expect(await keep(policy)).toBe(kept)
  const { rows } = await db.owner.query(where)
  expect(rows[0].v).toBe(wanted.replace(/ (days|mons)/, policy === 'mails' ? ' days' : ''))
})

test('a release that declares it anew leaves it, and null takes what the release says', async () => {
  const file = await readFile(join(PROJECT_DIR, 'migrations/fixtures/core/mails/registry.sql'), 'utf8')
  await set('mails', '7 days')
  await db.owner.query(file.replaceAll('30 days', '60 days'))
  expect(await keep('mails')).toBe('7 days')
  expect(await set('mails', null)).toBe('60 days')
  await db.owner.query(file)
  expect(await keep('mails')).toBe('30 days')
})

test.each([
  ['mails', '-1 day', 'retention_invalid'],
  ['mails', '101 years', 'retention_invalid'],
  ['attempts', '1 hour', 'retention_invalid'],
  ['briefings', '40 days', 'retention_invalid'],
  ['briefings', '0', 'retention_invalid'],
  ['notifications', '36 hours', 'retention_invalid'],
  ['notifications', '0', 'setting_invalid'],
  ['account', '1 day', 'retention_policy_not_found'],
  ['seed', '1 day', 'retention_policy_not_found'],
])('%s is not kept for %s: %s', async (policy, wanted, key) => {
  const before = await keep(policy)
  await expect(set(policy, wanted)).rejects.toMatchObject({ message: key })
  expect(await keep(policy)).toBe(before)
})

test('schedule_gdpr_cleanup says what is due and what is held, and asks the worker', async () => {
  const api = await testApi(db)
  const [free, held] = [await signUp(api), await signUp(api)]
  await db.owner.query(
    `update core.sessions set created_at = now() - interval '90 days', expires_at = now() - interval '40 days'`,
  )
  await db.owner.query(`select place_legal_hold($1, 'Case 7')`, [held.email])
  const { rows } = await db.owner.query('select * from schedule_gdpr_cleanup()')
  expect(rows.find(({ policy }) => policy === 'sessions')).toMatchObject({
    relation: 'core.sessions',
    action: 'delete',
    due_count: '1',
    held_count: '1',
  })
  expect(rows.find(({ policy }) => policy === 'audit_log')).toMatchObject({
    action: 'drop_partitions',
    job_id: null,
  })
  const jobs = await db.superuser.query(
    `select id from graphile_worker.jobs where task_identifier = 'gdpr/clean_up'`,
  )
  expect(jobs.rows.map(({ id }) => id)).toEqual([rows.find(({ policy }) => policy === 'sessions')?.job_id])
  expect(free.id).not.toBe(held.id)
})
