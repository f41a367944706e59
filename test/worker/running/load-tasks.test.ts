/** Tasks are found by folder, and the crontab names only what exists. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseCrontab } from 'graphile-worker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadTasks } from '../../../worker/running/load-tasks.ts'

const TASKS = fileURLToPath(new URL('../../../worker/tasks', import.meta.url))
const CRONTAB = fileURLToPath(new URL('../../../worker/crontab', import.meta.url))

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'howdah-tasks-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('every task lies at <module>/<verb_noun>.ts', async () => {
  expect([...(await loadTasks(TASKS)).keys()]).toEqual([
    'briefing/enqueue_due_sources',
    'briefing/fetch_source',
    'briefing/generate_due_briefings',
    'core/check_domain',
    'core/clean_up_notifications',
    'core/enqueue_due_domains',
    'core/expire_trials',
    'core/make_web_push_keys',
    'core/refresh_identity_keys',
    'core/retry_billing_events',
    'core/roll_up_events',
    'core/seal_audit',
    'core/send_mail',
    'core/send_notification',
    'gdpr/clean_up',
    'gdpr/clean_up_data_exports',
    'gdpr/count_people',
    'gdpr/enqueue_due_deletions',
    'gdpr/erase_account',
    'gdpr/export_data',
    'gdpr/keep_ledger',
    'gdpr/prove_erasure',
    'gdpr/tell_recipient',
    'ops/check_health',
    'ops/create_partitions',
    'ops/deliver_alert',
    'ops/drop_partitions',
    'ops/evaluate_alerts',
    'ops/note_long_queries',
    'ops/rebuild_indexes',
    'ops/refresh_views',
    'ops/release_dead_workers',
    'ops/renew_statistics',
    'ops/retire_jwt_secret',
    'ops/vacuum_tables',
    'ops/warm_caches',
  ])
})

test('every line of the crontab names a task and has an id and a job key of its own', async () => {
  const text = await readFile(CRONTAB, 'utf8')
  const tasks = await loadTasks(TASKS)
  const items = parseCrontab(text)
  expect(items.filter((item) => !tasks.has(item.task))).toEqual([])
  expect(new Set(items.map((item) => item.identifier)).size).toBe(items.length)
  expect(new Set(items.map((item) => item.options?.jobKey)).size).toBe(items.length)
  expect(items.filter((item) => !item.options?.jobKey)).toEqual([])
  const lines = text.split('\n').filter((line) => line.trim() && !line.startsWith('#'))
  expect(lines.filter((line) => !/\?id=[a-z_]+/.test(line))).toEqual([])
})

test.each([
  ['a/no_payload.ts', 'export const task = () => {}', /no payload/],
  [
    'a/no_task.ts',
    `import { z } from '${import.meta.resolve('zod')}'; export const payload = z.object({})`,
    /no task/,
  ],
  ['too/deep/down.ts', 'export {}', /module/],
  ['Wrong.ts', 'export {}', /module/],
])('%s is refused (task_invalid)', async (name, source, message) => {
  const tasks = join(folder, name.replaceAll('/', '-'))
  await mkdir(dirname(join(tasks, name)), { recursive: true })
  await writeFile(join(tasks, name), source)
  await expect(loadTasks(tasks)).rejects.toMatchObject({
    key: 'task_invalid',
    message: expect.stringMatching(message),
  })
})
