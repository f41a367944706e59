/** What a push service may do to us (J-05), each with what must become of the delivery and of the device. */
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../../stack/free-port.ts'
import type { Behaviour } from '../support/push-service.ts'
import { openPushedWorld, type PushedWorld } from '../support/pushed-people.ts'
import type { WorkerProcess } from '../support/worker-process.ts'

let world: PushedWorld
let worker: WorkerProcess
beforeAll(async () => {
  world = await openPushedWorld()
  worker = await world.worker({ HOWDAH_FETCH_ALLOW: '127.0.0.1', HOWDAH_WORKER_CONCURRENCY: '10' })
})
afterAll(async () => {
  await worker[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

type Expected = { state: string; disabled?: string; pause?: [number, number] }

const status =
  (code: number, headers: Record<string, string> = {}, body = 'why'): Behaviour =>
  (response) =>
    response.writeHead(code, headers).end(body)
const socketOf = (response: ServerResponse) => response.socket
/** A date has whole seconds. */
const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toUTCString()

const FAULTS: [string, Behaviour, Expected][] = [
  ['200', status(200), { state: 'sent' }],
  ['201 whose body never ends', (response) => response.writeHead(201).write('x'), { state: 'sent' }],
  [
    '201 and a reset amid the body',
    (response, reset) => {
      response.writeHead(201, { 'content-length': '100' })
      response.write('x', reset)
    },
    { state: 'sent' },
  ],
  ['201 with invalid JSON', status(201, { 'content-type': 'application/json' }, '{'), { state: 'sent' }],
  ['307 to another address', status(307, { location: 'https://127.0.0.1:1/' }), { state: 'failed' }],
  ['400', status(400), { state: 'failed' }],
  ['401', status(401), { state: 'failed' }],
  ['403', status(403), { state: 'failed' }],
  ['404', status(404), { state: 'failed', disabled: 'gone' }],
  ['409', status(409), { state: 'failed' }],
  ['410', status(410), { state: 'failed', disabled: 'gone' }],
  ['413', status(413), { state: 'failed' }],
  ['429 with seconds', status(429, { 'retry-after': '120' }), { state: 'waiting', pause: [120, 125] }],
  [
    '429 with a date',
    (response) => response.writeHead(429, { 'retry-after': inSeconds(600) }).end(),
    {
      state: 'waiting',
      pause: [595, 605],
    },
  ],
  ['429 that says nothing', status(429), { state: 'waiting', pause: [30, 35] }],
  ['429 for longer than anybody wants it', status(429, { 'retry-after': '172800' }), { state: 'expired' }],
  ['503', status(503, { 'retry-after': '60' }), { state: 'waiting', pause: [60, 65] }],
  ['503 in bytes that no text can hold', status(503, {}, '\0\x1b[31m\ud800'), { state: 'waiting' }],
  ['500', status(500), { state: 'unknown' }],
  ['502', status(502), { state: 'unknown' }],
  ['504', status(504), { state: 'unknown' }],
  ['a reset after the request', (_, reset) => reset(), { state: 'unknown' }],
  ['a close after the request', (response) => socketOf(response)?.destroy(), { state: 'unknown' }],
  [
    'an answer that is no HTTP',
    (response) => socketOf(response)?.end('SSH-2.0-x\r\n\r\n'),
    { state: 'unknown' },
  ],
  ['silence for longer than we wait', () => undefined, { state: 'unknown' }],
]

describe.concurrent('a push service that answers', () => {
  // Side by side, so each has an expect of its own.
  test.for(FAULTS)('%s', { timeout: 40_000 }, async ([, behave, { state, disabled, pause }], { expect }) => {
    const { person, browsers } = await world.person(behave)
    const from = Date.now()
    await world.notify(person)
    // Before the worker has taken it, it waits too.
    await expect.poll(() => browsers[0]?.received.length, { timeout: 30_000 }).toBe(1)
    const [delivery] = await world.settled(person, ...(state === 'waiting' ? ['waiting'] : [state]))
    expect(delivery).toMatchObject({ state, attempt_count: 1, disabled_reason: disabled ?? null })
    if (state !== 'sent') expect(delivery?.last_error).toBeTruthy()
    if (pause) {
      expect(delivery?.pause).toBeGreaterThanOrEqual(pause[0] - 1)
      expect(delivery?.pause).toBeLessThan(pause[1])
    }
    expect(Date.now() - from).toBeLessThan(30_000)
    expect(browsers[0]?.received).toHaveLength(1)
  })

  test('nothing at all, because nobody listens: tried again', async ({ expect }) => {
    const { person } = await world.person(undefined)
    await world.db.owner.query(
      `update core.notification_tokens set token = 'https://127.0.0.1:' || $2::int || '/nobody' where user_id = $1`,
      [person.id, await freePort()],
    )
    await world.notify(person)
    await expect
      .poll(async () => (await world.deliveries(person))[0], { timeout: 20_000 })
      .toMatchObject({
        state: 'waiting',
        attempt_count: 1,
        last_error: expect.stringMatching(/ECONNREFUSED/),
      })
  })

  test('a device whose key is no point of the curve is disabled, and nothing is sent', async ({ expect }) => {
    const { person, browsers } = await world.person(undefined)
    await world.db.owner.query(
      `update core.notification_tokens set web_p256dh = '\\x04'::bytea || sha256('a') || sha256('b') where user_id = $1`,
      [person.id],
    )
    await world.notify(person)
    expect(await world.settled(person, 'failed')).toMatchObject([{ disabled_reason: 'invalid' }])
    expect(browsers[0]?.received).toEqual([])
  })
})

test('what was refused for now arrives at the next try, and only once', async () => {
  let turns = 0
  const { person, browsers } = await world.person((response) => {
    turns++
    response.writeHead(turns === 1 ? 503 : 201, { 'retry-after': '3600' }).end()
  })
  await world.notify(person)
  await expect
    .poll(async () => (await world.deliveries(person))[0], { timeout: 20_000 })
    .toMatchObject({ state: 'waiting', attempt_count: 1 })
  await world.db.owner.query(
    'update core.notification_deliveries set next_attempt_at = now() where user_id = $1',
    [person.id],
  )
  await world.db.superuser.query(
    `update graphile_worker._private_jobs set run_at = now() where key like 'core/send_notification:%' and locked_by is null`,
  )
  expect(await world.settled(person, 'sent')).toMatchObject([{ attempt_count: 2 }])
  expect(browsers[0]?.received).toHaveLength(2)
})
