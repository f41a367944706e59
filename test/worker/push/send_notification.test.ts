/** core/send_notification with a real worker process and a real push service: encrypted, signed, at most once. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accept, vapidClaims } from '../support/push-service.ts'
import { openPushedWorld, type PushedWorld } from '../support/pushed-people.ts'

let world: PushedWorld
beforeAll(async () => {
  world = await openPushedWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

test('a browser can read what arrives, and the key it subscribed with signed it', async () => {
  await using worker = await world.worker()
  await worker.line((line) => line['task'] === 'core/make_web_push_keys')
  const publicKey = (await world.api.rpc('web_push_public_key')).body
  const { person, browsers } = await world.person(accept)
  const { rows } = await world.db.owner.query(
    `select core.notify($1, 'security', 'Was that you? ü😀', 'A new "device"', '{"screen": "sessions"}',
       collapse_key => 'new-device') as id`,
    [person.id],
  )
  expect(await world.settled(person, 'sent')).toMatchObject([{ last_error: null, attempt_count: 1 }])
  const [browser] = browsers
  const push = browser?.received[0]
  if (!browser || !push) throw new Error('Nothing arrived.')
  expect(browser.read(push)).toEqual({
    id: rows[0].id,
    kind: 'security',
    title: 'Was that you? ü😀',
    body: 'A new "device"',
    data: { screen: 'sessions' },
  })
  expect(push.headers).toMatchObject({
    'content-encoding': 'aes128gcm',
    urgency: 'high',
    topic: 'new-device',
    ttl: expect.stringMatching(/^86(400|39\d)$/),
  })
  expect(push.body.includes('Was that you')).toBe(false)
  const claims = await vapidClaims(push, publicKey, `https://127.0.0.1:${world.service.port}`)
  expect(claims.sub).toBe('mailto:no-reply@localhost')
  expect(claims.exp).toBeLessThanOrEqual(Date.now() / 1000 + 24 * 60 * 60)
})

test('the keys are made once: a second worker signs with the same', async () => {
  const before = (await world.api.rpc('web_push_public_key')).body
  await using worker = await world.worker()
  await worker.line((line) => line['task'] === 'core/make_web_push_keys')
  expect((await world.api.rpc('web_push_public_key')).body).toBe(before)
})

test('of three devices one hangs: the others have it at once', async () => {
  await using _worker = await world.worker()
  const { person, browsers } = await world.person(() => undefined, accept, accept)
  const from = performance.now()
  await world.notify(person)
  await expect
    .poll(async () => (await world.deliveries(person)).map(({ state }) => state), { timeout: 20_000 })
    .toEqual(['sending', 'sent', 'sent'])
  expect(performance.now() - from).toBeLessThan(5000)
  expect(browsers.map(({ received }) => received.length)).toEqual([1, 1, 1])
})

test('the job carries ids only, and no log names the device or the message', async () => {
  const { person, browsers } = await world.person((response) => response.writeHead(400).end('bad endpoint'))
  await world.notify(person, 'canary-title')
  const { rows } = await world.db.superuser.query(
    `select j.payload from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
     where t.identifier = 'core/send_notification' and j.locked_by is null`,
  )
  expect(rows).toEqual([{ payload: { delivery_id: (await world.deliveries(person))[0]?.id } }])
  await using worker = await world.worker()
  await worker.line((line) => line.message === 'push not delivered')
  expect(await world.settled(person, 'failed')).toMatchObject([{ disabled_reason: null }])
  const log = JSON.stringify(worker.lines)
  expect(log).not.toContain('canary-title')
  expect(log).not.toContain(browsers[0]?.subscription.endpoint)
})

test('an endpoint inside our own network is refused, and nothing is sent to it', async () => {
  const { person, browsers } = await world.person(accept)
  await world.notify(person)
  await using _worker = await world.worker({ HOWDAH_FETCH_ALLOW: '' })
  const [delivery] = await world.settled(person, 'waiting', 'failed')
  await expect
    .poll(async () => (await world.deliveries(person))[0]?.last_error, { timeout: 20_000 })
    .toMatch(/Refused to connect/)
  expect(delivery?.state).toBe('waiting')
  expect(browsers[0]?.received).toEqual([])
})
