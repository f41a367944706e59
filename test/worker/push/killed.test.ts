/**
 * A worker killed (SIGKILL) at each point between taking a delivery and its job's end (J-02): five deliveries at a time
 * stand at the point when it dies. Nothing is ever pushed twice; what may have arrived is "unknown", never silent.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { PoolClient } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Person } from '../../setup/story.ts'
import type { Behaviour, Browser } from '../support/push-service.ts'
import { openPushedWorld, type PushedWorld } from '../support/pushed-people.ts'
import type { WorkerProcess } from '../support/worker-process.ts'

const AT_ONCE = 5

let world: PushedWorld
let holder: PoolClient
/** Answers what the push service holds back. */
let held: (() => void)[] = []
let isHolding = true

beforeAll(async () => {
  world = await openPushedWorld()
  holder = await world.db.superuser.connect()
  await using first = await start()
  await first.line((line) => line['task'] === 'core/make_web_push_keys')
})
afterAll(async () => {
  holder.release()
  await world[Symbol.asyncDispose]()
})

const behave: Behaviour = (response) => {
  const answer = () => response.writeHead(201).end()
  if (isHolding) held.push(answer)
  else answer()
}

type Round = { people: Person[]; browsers: Browser[] }

async function makeRound(): Promise<Round> {
  held = []
  isHolding = true
  const made = await Promise.all(Array.from({ length: AT_ONCE }, () => world.person(behave)))
  const people = made.map(({ person }) => person)
  return { people, browsers: made.flatMap(({ browsers }) => browsers) }
}

const start = () => world.worker({ HOWDAH_FETCH_ALLOW: '127.0.0.1', HOWDAH_WORKER_CONCURRENCY: '8' })
const notifyAll = async ({ people }: Round) => {
  for (const person of people) await world.notify(person)
}
const statesOf = async ({ people }: Round) =>
  (await Promise.all(people.map((person) => world.deliveries(person)))).flat().map(({ state }) => state)
const all = (value: string | number) => Array.from({ length: AT_ONCE }, () => value)
const allSending = (round: Round) =>
  expect.poll(() => statesOf(round), { timeout: 40_000 }).toEqual(all('sending'))
const allHeld = () => expect.poll(() => held.length, { timeout: 40_000 }).toBe(AT_ONCE)
const WORKERS = `datname = current_database() and application_name = 'howdah-worker'`
const allBlocked = () =>
  expect
    .poll(
      async () =>
        (
          await world.db.superuser.query(
            `select from pg_stat_activity where ${WORKERS} and wait_event_type = 'Lock'`,
          )
        ).rowCount,
      { timeout: 40_000 },
    )
    .toBeGreaterThanOrEqual(AT_ONCE)

const lockDeliveries = async ({ people }: Round) => {
  await holder.query('begin')
  await holder.query('select from core.notification_deliveries where user_id = any ($1) for update', [
    people.map(({ id }) => id),
  ])
}

/** Kills it, and what it left running in the database, as if the machine had gone. */
async function kill(worker: WorkerProcess): Promise<void> {
  worker.kill('SIGKILL')
  await worker.exited
  await world.db.superuser.query(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${WORKERS}`,
  )
  await holder.query('rollback')
  isHolding = false
}

/** Brings the jobs of the dead to another worker, twice, and says what became of the deliveries. */
async function recover(round: Round, state: string): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    await world.hurry()
    await using _next = await start()
    await expect.poll(() => statesOf(round), { timeout: 40_000 }).toEqual(all(state))
    await expect.poll(jobsLeft, { timeout: 40_000 }).toBe(0)
  }
}

async function jobsLeft(): Promise<number> {
  const { rows } = await world.db.superuser.query(
    `select count(*)::int as count from graphile_worker._private_jobs j
     join graphile_worker._private_tasks t on t.id = j.task_id where t.identifier = 'core/send_notification'`,
  )
  return rows[0].count
}

const arrived = ({ browsers }: Round) => browsers.map(({ received }) => received.length)

test('before the delivery is taken: sent by the next worker, once', async () => {
  const round = await makeRound()
  isHolding = false
  await notifyAll(round)
  await lockDeliveries(round)
  await using worker = await start()
  await allBlocked()
  await kill(worker)
  expect(await statesOf(round)).toEqual(all('waiting'))
  await recover(round, 'sent')
  expect(arrived(round)).toEqual(all(1))
}, 150_000)

test('taken, and not yet connected: unknown', async () => {
  const round = await makeRound()
  // Takes the connection and never says a word, so TLS never stands.
  const silent = createServer(() => undefined)
  await once(silent.listen(0, '127.0.0.1'), 'listening')
  await world.db.owner.query(
    `update core.notification_tokens set token = 'https://127.0.0.1:' || $2::int || '/' || id where user_id = any ($1)`,
    [round.people.map(({ id }) => id), (silent.address() as AddressInfo).port],
  )
  await notifyAll(round)
  await using worker = await start()
  await allSending(round)
  await kill(worker)
  await recover(round, 'unknown')
  expect(arrived(round)).toEqual(all(0))
  silent.close()
}, 150_000)

test('sent, and not yet answered: unknown, and no second push', async () => {
  const round = await makeRound()
  await notifyAll(round)
  await using worker = await start()
  await allHeld()
  await kill(worker)
  await recover(round, 'unknown')
  expect(arrived(round)).toEqual(all(1))
}, 150_000)

test('answered, and not yet noted: unknown, and no second push', async () => {
  const round = await makeRound()
  await notifyAll(round)
  await using worker = await start()
  await allHeld()
  await lockDeliveries(round)
  for (const answer of held) answer()
  await allBlocked()
  await kill(worker)
  await recover(round, 'unknown')
  expect(arrived(round)).toEqual(all(1))
}, 150_000)

test('noted, and the job not yet done: sent, and no second push', async () => {
  const round = await makeRound()
  await notifyAll(round)
  await using worker = await start()
  await allHeld()
  await holder.query('begin')
  await holder.query(`select from graphile_worker._private_jobs where locked_by is not null for update`)
  for (const answer of held) answer()
  await expect.poll(() => statesOf(round), { timeout: 40_000 }).toEqual(all('sent'))
  await kill(worker)
  expect(await jobsLeft()).toBe(AT_ONCE)
  await recover(round, 'sent')
  expect(arrived(round)).toEqual(all(1))
}, 150_000)
