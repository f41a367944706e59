/** register_notification_token: a device belongs to one account, the last that registered it, as long as its session lives. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { androidToken, iosToken, webSubscription } from './devices.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const register = (person: Person, given: Record<string, unknown>) =>
  api.rpc('register_notification_token', given, person.token)
const devices = async (person: Person) =>
  (await api.get('/notification_tokens?order=created_at', person.token)).body
const notify = (person: Person) =>
  db.owner.query(`select core.notify($1, 'announcement', 'Hello')`, [person.id])
const waiting = async (person: Person) =>
  (await db.owner.query(`select from core.notification_deliveries where user_id = $1`, [person.id])).rowCount

describe('a device', () => {
  test.each([
    ['ios', () => ({ token: iosToken() })],
    ['android', () => ({ token: androidToken() })],
    ['web', () => ({ subscription: webSubscription() })],
  ])('of %s registers, again and again, and is one', async (platform, say) => {
    const person = await signUp(api)
    const device = { platform, ...say() }
    const texts = { device_name: 'Mine', app_version: '1.2.3', locale: 'de-AT' }
    const first = await register(person, { ...device, ...texts })
    expect(first).toMatchObject({ status: 200, body: [{ platform, device_name: 'Mine', is_current: true }] })
    const again = await register(person, device)
    expect(again.body[0]).toMatchObject({ id: first.body[0].id, device_name: 'Mine', locale: 'de-AT' })
    expect(await devices(person)).toHaveLength(1)
  })

  test('shows neither its token nor its keys, by no column and no filter', async () => {
    const person = await signUp(api)
    const subscription = webSubscription()
    const answer = await register(person, { platform: 'web', subscription })
    const seen = JSON.stringify([answer.body, await devices(person)])
    for (const secret of [subscription.endpoint, subscription.keys.auth, subscription.keys.p256dh]) {
      expect(seen).not.toContain(secret)
    }
    expect((await api.get('/notification_tokens?select=token', person.token)).status).toBe(400)
    const claims = { sub: person.id }
    for (const column of ['token', 'token_hash', 'web_auth', 'web_p256dh']) {
      const read = db.session({ role: 'howdah_user', claims }, (client) =>
        client.query(`select ${column} from core.notification_tokens`),
      )
      await expect(read).rejects.toMatchObject({ code: '42501' })
    }
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['no platform we know', { platform: 'fridge', token: iosToken() }, 'notification_token_invalid'],
    ['ios without a token', { platform: 'ios' }, 'notification_token_invalid'],
    ['ios with something else', { platform: 'ios', token: 'g'.repeat(64) }, 'notification_token_invalid'],
    [
      'android with a space',
      { platform: 'android', token: `${'a'.repeat(30)} ` },
      'notification_token_invalid',
    ],
    ['web without a subscription', { platform: 'web' }, 'notification_token_invalid'],
    [
      'web over http',
      { platform: 'web', subscription: { ...webSubscription(), endpoint: 'http://a.example/x' } },
      'notification_token_invalid',
    ],
    [
      'web with a user name',
      { platform: 'web', subscription: { ...webSubscription(), endpoint: 'https://a:b@c.example/x' } },
      'notification_token_invalid',
    ],
    [
      'web with an endpoint that is no text',
      { platform: 'web', subscription: { ...webSubscription(), endpoint: ['https://a.example/x'] } },
      'notification_token_invalid',
    ],
    [
      'keys of the wrong length',
      { platform: 'web', subscription: { ...webSubscription(), keys: { p256dh: 'BAAA', auth: 'AAAA' } } },
      'notification_token_invalid',
    ],
    [
      'keys that are no base64url',
      { platform: 'web', subscription: { ...webSubscription(), keys: { p256dh: '???', auth: '  ' } } },
      'notification_token_invalid',
    ],
    ['a subscription that is a list', { platform: 'web', subscription: [1] }, 'notification_token_invalid'],
    ['a name without letters', { platform: 'ios', token: iosToken(), device_name: '' }, 'device_invalid'],
    [
      'a version too long',
      { platform: 'ios', token: iosToken(), app_version: 'x'.repeat(41) },
      'device_invalid',
    ],
    ['a locale nobody speaks', { platform: 'ios', token: iosToken(), locale: 'German' }, 'locale_invalid'],
  ])('is refused: %s', async (_, given, key) => {
    const person = await signUp(api)
    expect(await register(person, given)).toMatchObject({ status: 400, body: { message: key } })
    expect(await devices(person)).toEqual([])
  })

  test('nobody who is not signed in registers one', async () => {
    const answer = await api.rpc('register_notification_token', { platform: 'ios', token: iosToken() })
    expect(answer.status).toBe(401)
  })
})

describe('a device that somebody else had', () => {
  test('moves, with nothing that tells of the first owner; the first one gets nothing any more', async () => {
    const [first, second] = [await signUp(api), await signUp(api)]
    const token = iosToken()
    const before = (await register(first, { platform: 'ios', token, device_name: 'Old' })).body[0]
    await notify(first)
    expect(await waiting(first)).toBe(1)
    // Hexadecimal in capitals is the same device.
    const after = (await register(second, { platform: 'ios', token: token.toUpperCase() })).body[0]
    expect(after.id).not.toBe(before.id)
    expect(after.device_name).toBeNull()
    expect(Object.keys(after)).toEqual(Object.keys(before))
    expect(await devices(first)).toEqual([])
    expect(await waiting(first)).toBe(0)
    await notify(first)
    expect(await waiting(first)).toBe(0)
    await notify(second)
    expect(await waiting(second)).toBe(1)
  })

  test('two who register it at once: one of them has it, whoever that is', async () => {
    const [first, second] = [await signUp(api), await signUp(api)]
    for (let round = 0; round < 20; round++) {
      const given = { platform: 'ios', token: iosToken() }
      const answers = await Promise.all([register(first, given), register(second, given)])
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      const { rows } = await db.owner.query('select user_id from core.notification_tokens where token = $1', [
        given.token,
      ])
      expect(rows).toHaveLength(1)
    }
  })
})

test('the 21st device takes the place of the one not seen for longest', async () => {
  const person = await signUp(api)
  const tokens = Array.from({ length: 20 }, iosToken)
  for (const [index, token] of tokens.entries()) {
    await register(person, { platform: 'ios', token, device_name: `${index}` })
  }
  // The first is seen again, so the second is now the oldest.
  await register(person, { platform: 'ios', token: tokens[0] })
  await register(person, { platform: 'ios', token: iosToken(), device_name: 'new' })
  const names = (await devices(person)).map((device: { device_name: string }) => device.device_name)
  expect(names).toHaveLength(20)
  expect(names).toContain('0')
  expect(names).not.toContain('1')
  expect(names).toContain('new')
})

describe('the end of a session', () => {
  test.each([
    ['sign_out', (person: Person) => api.rpc('sign_out', {}, person.token)],
    [
      'ops.suspend_account',
      (person: Person) => db.owner.query('select ops.suspend_account($1)', [person.email]),
    ],
  ])('%s disables its device; what waited is given up', async (_, end) => {
    const person = await signUp(api)
    await register(person, { platform: 'ios', token: iosToken() })
    await notify(person)
    await end(person)
    const { rows } = await db.owner.query(
      `select t.disabled_reason, d.state from core.notification_tokens t
       join core.notification_deliveries d on d.token_id = t.id where t.user_id = $1`,
      [person.id],
    )
    expect(rows).toEqual([{ disabled_reason: 'session_ended', state: 'skipped' }])
  })

  test('leaves the device of another session alone, and registering again enables', async () => {
    const person = await signUp(api)
    const [phone, browser] = [
      { platform: 'ios', token: iosToken() },
      { platform: 'web', subscription: webSubscription() },
    ]
    await register(person, phone)
    const other = await api.rpc('sign_in', { email: person.email, password: person.password })
    const elsewhere = { ...person, token: other.body.access_token }
    await register(elsewhere, browser)
    await api.rpc('sign_out', {}, person.token)
    expect(await devices(elsewhere)).toMatchObject([
      { platform: 'ios', disabled_reason: 'session_ended', is_current: false },
      { platform: 'web', disabled_reason: null, is_current: true },
    ])
    await register(elsewhere, phone)
    expect(await devices(elsewhere)).toMatchObject([{ disabled_reason: null, disabled_at: null }, {}])
  })
})

test("one unregisters one's own device only (notification_token_not_found)", async () => {
  const [owner, stranger] = [await signUp(api), await signUp(api)]
  const { id } = (await register(owner, { platform: 'android', token: androidToken() })).body[0]
  for (const token_id of [id, randomUUID()]) {
    expect(await api.rpc('unregister_notification_token', { token_id }, stranger.token)).toMatchObject({
      status: 404,
      body: { message: 'notification_token_not_found' },
    })
  }
  expect((await api.rpc('unregister_notification_token', { token_id: id }, owner.token)).status).toBe(204)
  expect(await devices(owner)).toEqual([])
})
