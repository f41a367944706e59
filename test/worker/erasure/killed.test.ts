/**
 * G-07: a worker killed (SIGKILL) at each step of an erasure, three times each. The next worker goes on, and what is left at
 * the end is what is left without any crash; never is something called done while data is left.
 */
import type { PoolClient } from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { seededCast } from '../../rules/matrix/seeded-cast.ts'
import { type TestApi, testApi } from '../../setup/api.ts'
import { sealAll } from '../../setup/audit.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { type Person, signUp } from '../../setup/story.ts'
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts'
import { askToLeave, rowsLeft } from './leaving.ts'

/** Three by npm run test:erasure. */
const ROUNDS = Number(process.env['HOWDAH_ERASURE_ROUNDS'] ?? 1)
/** Rows a person has in one table, so that rows and log take several batches. */
const MANY = 5000

let db: TestDatabase
let api: TestApi
let holder: PoolClient
let holderPid: number
let reference: Record<string, unknown>
let killed = 0

beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  await seededCast(db, api)
  holder = await db.superuser.connect()
  holderPid = (await holder.query('select pg_backend_pid() as pid')).rows[0].pid
  await db.owner.query(`
    create schema brake;
    create table brake.points (step text primary key);
    insert into brake.points values ('begin'), ('rows'), ('log'), ('account'), ('statistics'), ('done');
    create function brake.tg() returns trigger language plpgsql security definer as
      $$begin
        perform from brake.points as p
        where p.step = case when tg_op = 'INSERT' then 'begin' else old.step end
          -- The first of several is no crash in the middle.
          and (tg_op = 'INSERT' or old.step not in ('rows', 'statistics') or new.position > 0 or new.step <> old.step)
        for share;
        return null;
      end$$;
    create trigger brake after insert or update of row_counts, audit_events_blanked, erased_at, position, finished_at
      on gdpr.erasures for each row execute function brake.tg()`)
  const calm = await leaver()
  reference = await finish(calm)
}, 120_000)
afterAll(async () => {
  holder.release()
  await db.drop()
})

const start = () => startWorkerProcess(db.url('howdah_worker'))

/** Somebody new with many rows, some of them audited. */
async function leaver(): Promise<Person> {
  const person = await signUp(api)
  await db.owner.query(
    `insert into core.notifications (user_id, kind, title, channels, expires_at)
     select $1, 'announcement', 'Hello ' || n, '{inbox}', now() + interval '1 day' from generate_series(1, $2) n`,
    [person.id, MANY],
  )
  await db.owner.query(
    `insert into briefing.saved_cards (user_id, card_id, card, tags)
     select $1, gen_random_uuid(), c.card, array['tag-' || n] from generate_series(1, 300) n,
       (select card from briefing.saved_cards limit 1) c`,
    [person.id],
  )
  return person
}

async function stateOf({ id }: Person) {
  const { rows } = await db.owner.query(
    `select e.step, e.erased_at is not null as erased, u.status, u.deleted_at is not null as out
     from core.users u left join gdpr.erasures e on e.user_id = u.id where u.id = $1`,
    [id],
  )
  return rows[0]
}

/** What an erasure leaves, whoever it was: how many rows of what went, and everything the account still says. */
async function outcome({ id }: Person) {
  const { rows } = await db.owner.query(
    `select e.step, e.row_counts - 'core.sessions' - 'private.refresh_tokens' - 'core.mails' as row_counts,
       to_jsonb(u) - '{id,email,email_key,created_at,updated_at,deleted_at}'::text[] as account,
       (select jsonb_agg(state) from gdpr.deletion_requests where user_id = u.id) as requests,
       (select jsonb_agg(outcome) from gdpr.subject_requests where user_id = u.id) as register,
       (select count(*)::int from core.audit_log where subject_id = u.id and operation = 'account_erased') as said
     from core.users u join gdpr.erasures e on e.user_id = u.id where u.id = $1`,
    [id],
  )
  return { ...rows[0], left: await rowsLeft(db, id) }
}

async function finish(person: Person, requestId?: string) {
  requestId ??= await askToLeave(db, api, person)
  await db.owner.query('select gdpr.enqueue_due_deletions()')
  await using _worker = await start()
  await vi.waitFor(async () => expect(await stateOf(person)).toMatchObject({ step: 'done' }), 60_000)
  return outcome(person)
}

const WORKERS = `datname = current_database() and application_name = 'howdah-worker'`
async function killAt(step: string, worker: WorkerProcess): Promise<void> {
  await expect
    .poll(
      async () =>
        (
          await db.superuser.query(
            `select from pg_stat_activity where ${WORKERS} and $1 = any (pg_blocking_pids(pid))`,
            [holderPid],
          )
        ).rowCount,
      { timeout: 40_000, message: `nobody came to ${step}` },
    )
    .toBeGreaterThan(0)
  worker.kill('SIGKILL')
  await worker.exited
  // The machine has gone: what ran in the database ends too, and is undone.
  await db.superuser.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${WORKERS}`)
  await holder.query('rollback')
  killed++
}

for (const step of ['begin', 'rows', 'log', 'account', 'statistics']) {
  test(`killed at ${step}, ${ROUNDS} time(s): the same end as without`, async () => {
    const person = await leaver()
    const requestId = await askToLeave(db, api, person)
    for (let round = 0; round < ROUNDS; round++) {
      await holder.query('begin')
      await holder.query('select from brake.points where step = $1 for update', [step])
      await db.owner.query('select gdpr.enqueue_due_deletions()')
      const { rows } = await db.superuser.query(
        'select array_agg(distinct locked_by) as ids from graphile_worker._private_jobs where locked_by is not null',
      )
      if (rows[0].ids)
        await db.superuser.query('select graphile_worker.force_unlock_workers($1)', [rows[0].ids])
      await db.superuser.query('update graphile_worker._private_jobs set run_at = now()')
      await using worker = await start()
      await killAt(step, worker)
      const state = await stateOf(person)
      const left = await rowsLeft(db, person.id)
      if (Object.keys(left).length > 0)
        expect(state.erased ?? false, 'called done, and data left').toBe(false)
      if (step !== 'begin') expect(state.out).toBe(true)
    }
    expect(await finish(person, requestId)).toEqual(reference)
    expect(reference['left']).toEqual({})
  }, 180_000)
}

test('run again: 0 rows change, and the log verifies', async () => {
  const { rows } = await db.owner.query(
    `select e.id, e.user_id from gdpr.erasures e join core.users u on u.id = e.user_id where u.status = 'erased' limit 1`,
  )
  const image = async () =>
    (
      await db.owner.query(
        `select md5(string_agg(t::text, '|' order by t::text)) as hash from core.users t
         union all select md5(string_agg(t::text, '|' order by t::text)) from gdpr.erasures t
         union all select md5(string_agg(t::text, '|' order by t::text)) from gdpr.deletion_requests t
         union all select count(*)::text from core.audit_log where operation <> 'account_erased'`,
      )
    ).rows
  const before = await image()
  const again = await db.owner.query('select gdpr.continue_erasure($1) as step', [rows[0].id])
  expect(again.rows).toEqual([{ step: 'done' }])
  expect(await image()).toEqual(before)
  await sealAll(db)
  expect((await db.owner.query('select is_ok from ops.verify_audit()')).rows[0].is_ok).toBe(true)
  console.log(
    `killed ${killed} times; rows left each time after recovery: ${JSON.stringify(reference['left'])}`,
  )
  expect(killed).toBe(5 * ROUNDS)
})
