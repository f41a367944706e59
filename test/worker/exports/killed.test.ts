/**
 * A worker killed (SIGKILL) at each step of an export (J-02): the next one begins anew, and what comes out is one whole
 * file of one moment, told once. A worker that only seems dead is shut out.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { beginExport } from '../../../worker/exports/running-export.ts'
import { type TestApi, testApi } from '../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { type Person, signUp } from '../../setup/story.ts'
import { type Exporting, giveMuch, openExporting } from '../support/exporting.ts'
import { readExportZip } from '../support/read-export.ts'
import { startWorkerProcess } from '../support/worker-process.ts'

const PATIENCE = { timeout: 40_000 }

let db: TestDatabase
let api: TestApi
let exporting: Exporting
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  exporting = openExporting(db, api)
  // Where a test wants the worker to stand still: whoever comes by sleeps, and is killed.
  await db.superuser.query(`
    create table public.halt (at text);
    create function public.stand_still() returns trigger language plpgsql security definer as $$
    begin
      if exists (select from public.halt where at = tg_argv[0]) then perform pg_sleep(120); end if;
      return new;
    end $$;
    create trigger halt_begin before update on gdpr.data_exports for each row
      when (old.state = 'waiting' and new.state = 'running') execute function public.stand_still('begin');
    create trigger halt_read before update on gdpr.data_exports for each row
      when (old.table_count is null and new.table_count is not null) execute function public.stand_still('read');
    create trigger halt_first before insert on gdpr.data_export_parts for each row
      when (new.number = 0) execute function public.stand_still('first part');
    create trigger halt_third after insert on gdpr.data_export_parts for each row
      when (new.number = 2) execute function public.stand_still('third part');
    create trigger halt_finish before update on gdpr.data_exports for each row
      when (new.state = 'ready') execute function public.stand_still('finish');`)
})
afterAll(async () => {
  await exporting[Symbol.asyncDispose]()
  await db.drop()
})

const startWorker = () => startWorkerProcess(db.url('howdah_worker'))
const WORKERS = `datname = current_database() and application_name = 'howdah-worker'`
const count = async (sql: string, ...values: unknown[]) =>
  (await db.superuser.query(`select count(*)::int as n from ${sql}`, values)).rows[0].n as number
const jobsLeft = () =>
  count(`graphile_worker._private_jobs as j join graphile_worker._private_tasks as t on t.id = j.task_id
    where t.identifier = 'gdpr/export_data'`)
const asleep = () => count(`pg_stat_activity where ${WORKERS} and wait_event = 'PgSleep'`)

async function isWholeAndOnce(person: Person, id: string): Promise<void> {
  const { rows } = await db.owner.query(
    `select e.part_count, encode(e.sha256, 'hex') as sha256, array_agg(p.number order by p.number) as numbers
     from gdpr.data_exports as e join gdpr.data_export_parts as p on p.export_id = e.id
     where e.id = $1 group by e.id`,
    [id],
  )
  expect(rows[0].numbers).toEqual(Array.from({ length: rows[0].part_count }, (_, number) => number))
  expect(rows[0].part_count).toBeGreaterThanOrEqual(3)
  expect(await count(`core.mails where user_id = $1 and kind = 'data_export_ready'`, person.id)).toBe(1)
  expect(await count(`core.notifications where user_id = $1 and kind = 'data_export'`, person.id)).toBe(1)
  expect(await count(`gdpr.subject_requests where user_id = $1 and outcome = 'fulfilled'`, person.id)).toBe(1)
  const zip = await exporting.download(person, id)
  expect(createHash('sha256').update(zip).digest('hex')).toBe(rows[0].sha256)
  const read = await readExportZip(zip)
  expect(read.problems).toEqual([])
  expect(read.tables['core.notifications']?.json).toHaveLength(1800)
}

test.each(['begin', 'read', 'first part', 'third part', 'finish'])(
  'killed at: %s',
  async (point) => {
    const ada = await signUp(api)
    await giveMuch(db, ada, 1800)
    const id = await exporting.request(ada)
    await db.superuser.query('insert into public.halt values ($1)', [point])
    {
      await using worker = await startWorker()
      await expect.poll(asleep, PATIENCE).toBe(1)
      worker.kill('SIGKILL')
      await worker.exited
      await db.superuser.query(
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${WORKERS}`,
      )
    }
    await db.superuser.query('delete from public.halt')
    expect(await exporting.state(id)).toBe(point === 'begin' ? 'waiting' : 'running')
    expect(await count('core.mails where user_id = $1', ada.id)).toBe(0)
    await db.superuser.query(
      `select graphile_worker.force_unlock_workers(array_agg(locked_by)) from graphile_worker._private_jobs
     where locked_by is not null having count(*) > 0`,
    )
    await db.superuser.query('update graphile_worker._private_jobs set run_at = now() where run_at > now()')
    await using _next = await startWorker()
    await expect.poll(() => exporting.state(id), PATIENCE).toBe('ready')
    await expect.poll(jobsLeft, PATIENCE).toBe(0)
    await isWholeAndOnce(ada, id)
  },
  120_000,
)

test('killed after it was ready, with the job not yet done: nothing happens a second time', async () => {
  const ada = await signUp(api)
  await giveMuch(db, ada, 1800)
  const id = await exporting.ready(ada)
  await using _next = await startWorker()
  await expect.poll(jobsLeft, PATIENCE).toBe(0)
  await isWholeAndOnce(ada, id)
}, 120_000)

test('a worker that was taken for dead writes nothing into the next attempt (data_export_over)', async () => {
  const ada = await signUp(api)
  const id = await exporting.request(ada)
  const pool = db.as('howdah_worker')
  expect(await beginExport(pool, id)).toEqual({ id, attempt: 1 })
  expect(await beginExport(pool, id)).toEqual({ id, attempt: 2 })
  const late = async (call: string, ...values: unknown[]) =>
    (await pool.query(`select ${call} as answer`, values)).rows[0].answer
  expect(await late(`gdpr.add_data_export_part($1, 1, 0, '\\x01')`, id)).toBe(false)
  expect(await late(`gdpr.note_data_export_progress($1, 1, now(), 9, 9, 9)`, id)).toBe(false)
  expect(await late(`gdpr.finish_data_export($1, 1, 9, '\\x01', '{}')`, id)).toBe(false)
  expect(await late(`gdpr.give_up_data_export($1, 1, 'x')`, id)).toBe(false)
  expect(await late(`gdpr.open_data_export_table($1, 1, 'core.users', 'json')`, id)).toBeNull()
  expect((await pool.query('select * from gdpr.read_data_export_tables($1, 1)', [id])).rows).toEqual([])
  expect(await late(`gdpr.open_data_export_table($1, 2, 'private.passwords', 'json')`, id)).toBeNull()
})
