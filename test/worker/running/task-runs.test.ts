/** Runs of scheduled tasks are noted, failures by their key, and a task that stops coming becomes an alert (J-19). */
import type { Job } from 'graphile-worker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { recordRun } from '../../../worker/running/task-runs.ts'
import { setClock } from '../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { startWorkerProcess } from '../support/worker-process.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

const runs = async (task: string) => {
  const { rows } = await db.owner.query(
    'select finished_at is not null as is_over, error from ops.task_runs where task = $1 order by id',
    [task],
  )
  return rows
}
/** What the task gdpr/clean_up does, in one go. */
const CLEAN_UP = `select gdpr.clean_up_batch(policy) from unnest(array['task_runs', 'alerts']) as policy`
const job = (task: string, key: string | null) => ({ id: '1', task_identifier: task, key }) as Job

test('a worker notes what its crontab schedules, and each scheduled run', async () => {
  await using worker = await startWorkerProcess(db.url('howdah_worker'))
  await worker.line((line) => line['task'] === 'ops/create_partitions')
  expect(await runs('ops/create_partitions')).toEqual([{ is_over: true, error: null }])
  const { rows } = await db.owner.query('select task, period_seconds from ops.scheduled_tasks')
  expect(rows).toContainEqual({ task: 'ops/create_partitions', period_seconds: 86_400 })
  expect(rows).toContainEqual({ task: 'ops/evaluate_alerts', period_seconds: 60 })
  worker.kill('SIGTERM')
  await worker.exited
})

test('a failure is noted by its key and thrown on; a job that nobody scheduled leaves no row', async () => {
  const pool = db.as('howdah_worker')
  const failing = recordRun(pool, job('test/fails', 'cron:test/fails'), async () => {
    await pool.query(`select ops.find_account('nobody@example.com')`)
  })
  await expect(failing).rejects.toThrow()
  const [run] = await runs('test/fails')
  expect(run).toMatchObject({ is_over: true, error: '42501' })
  await recordRun(pool, job('test/single', 'mail:1'), async () => undefined)
  expect(await runs('test/single')).toEqual([])
})

test('maintenance that stops becomes an alert, and well again when it comes back', async () => {
  const worker = () => db.as('howdah_worker')
  const overdue = async () => {
    const { rows } = await worker().query(
      `select event, severity from ops.evaluate_alerts() where labels ->> 'task' = 'ops/create_partitions'`,
    )
    return rows
  }
  expect(await overdue()).toEqual([])
  await setClock(db, '26 hours')
  expect(await overdue()).toEqual([])
  await setClock(db, '27 hours')
  expect(await overdue()).toEqual([{ event: 'opened', severity: 'warn' }])
  await setClock(db, '4 days')
  expect(await overdue()).toEqual([{ event: 'changed', severity: 'critical' }])
  await recordRun(worker(), job('ops/create_partitions', 'cron:ops/create_partitions'), async () => undefined)
  expect(await overdue()).toEqual([{ event: 'resolved', severity: 'critical' }])
})

test('runs older than a month go, and alerts a year after they were over', async () => {
  await setClock(db, '33 days')
  await db.as('howdah_worker').query(CLEAN_UP)
  expect(await runs('ops/create_partitions')).toHaveLength(1)
  expect((await db.owner.query('select from ops.alerts where resolved_at is not null')).rowCount).toBe(1)
  await setClock(db, '380 days')
  await db.as('howdah_worker').query(CLEAN_UP)
  expect((await db.owner.query('select from ops.alerts where resolved_at is not null')).rowCount).toBe(0)
})
