/** core.notify: the inbox, the channels people choose, repeats, and what the API shows of it. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { iosToken } from './devices.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

async function personWithPhone(): Promise<Person> {
  const person = await signUp(api)
  await api.rpc('register_notification_token', { platform: 'ios', token: iosToken() }, person.token)
  return person
}
async function notify(person: Person, kind: string, more = '', values: unknown[] = []): Promise<string> {
  const { rows } = await db.owner.query(`select core.notify($1, $2, 'Title' ${more}) as id`, [
    person.id,
    kind,
    ...values,
  ])
  return rows[0].id
}
const inbox = async (person: Person) => (await api.get('/notifications?order=id', person.token)).body
const deliveryCount = async (person: Person) =>
  (await db.owner.query('select from core.notification_deliveries where user_id = $1', [person.id])).rowCount
const choose = (person: Person, kind: string, channels: string[] | null) =>
  api.rpc('update_notification_preferences', { kind, channels }, person.token)

describe('the inbox', () => {
  test("shows one's own, until marked as read", async () => {
    const [person, other] = [await personWithPhone(), await personWithPhone()]
    const ids = [
      await notify(person, 'announcement', `, 'Body', '{"screen": 1}'`),
      await notify(person, 'security'),
    ]
    await notify(other, 'announcement')
    expect(await inbox(person)).toMatchObject([
      { id: ids[0], kind: 'announcement', title: 'Title', body: 'Body', data: { screen: 1 }, read_at: null },
      { id: ids[1], kind: 'security', body: '', data: {}, read_at: null },
    ])
    const mark = (who: Person) =>
      api.rpc('mark_notifications_read', { notification_ids: [ids[0], randomUUID()] }, who.token)
    expect((await mark(other)).body).toBe(0)
    expect((await mark(person)).body).toBe(1)
    expect((await mark(person)).body).toBe(0)
    expect((await inbox(person)).map((one: { read_at: unknown }) => one.read_at !== null)).toEqual([
      true,
      false,
    ])
    expect((await api.rpc('mark_all_notifications_read', {}, person.token)).body).toBe(1)
    expect(await inbox(other)).toMatchObject([{ read_at: null }])
  })

  test('does not show what is for later, and it is not pushed before', async () => {
    const person = await personWithPhone()
    await notify(person, 'announcement', `, not_before => core.now() + interval '2 days'`)
    expect(await inbox(person)).toEqual([])
    expect((await api.rpc('mark_all_notifications_read', {}, person.token)).body).toBe(0)
    const { rows } = await db.superuser.query(
      `select j.run_at > now() + interval '47 hours' as is_later
       from graphile_worker._private_jobs j join core.notification_deliveries d on j.key = 'core/send_notification:' || d.id
       where d.user_id = $1`,
      [person.id],
    )
    expect(rows).toEqual([{ is_later: true }])
  })
})

test('the same key again does nothing and answers with the first one', async () => {
  const [person, other] = [await personWithPhone(), await personWithPhone()]
  const send = (who: Person) => notify(who, 'announcement', ', dedupe_key => $3', ['briefing:2026-11-20'])
  const ids = await Promise.all([send(person), send(person), send(person)])
  expect(new Set([...ids, await send(person)]).size).toBe(1)
  expect(await send(other)).not.toBe(ids[0])
  expect(await inbox(person)).toHaveLength(1)
  expect(await deliveryCount(person)).toBe(1)
})

describe('preferences', () => {
  test('decide about what is sent from then on', async () => {
    const person = await personWithPhone()
    expect((await choose(person, 'announcement', ['inbox'])).body).toMatchObject([
      { kind: 'announcement', channels: ['inbox'], is_default: false },
    ])
    await notify(person, 'announcement')
    expect([(await inbox(person)).length, await deliveryCount(person)]).toEqual([1, 0])
    await choose(person, 'announcement', ['push'])
    await notify(person, 'announcement')
    expect([(await inbox(person)).length, await deliveryCount(person)]).toEqual([1, 1])
    await choose(person, 'announcement', [])
    await notify(person, 'announcement')
    expect([(await inbox(person)).length, await deliveryCount(person)]).toEqual([1, 1])
    expect((await choose(person, 'announcement', null)).body).toMatchObject([
      { channels: ['inbox', 'push'], is_default: true },
    ])
    await notify(person, 'announcement')
    expect([(await inbox(person)).length, await deliveryCount(person)]).toEqual([2, 2])
  })

  test('list every kind, also one that a module declares', async () => {
    const person = await signUp(api)
    await db.owner.query(`select core.declare_notification_kind('tea_ready', 'Tea is ready', '{push}')`)
    const { body } = await api.get('/notification_preferences?order=kind', person.token)
    expect(body).toMatchObject([
      { kind: 'announcement', is_urgent: false, channels: ['inbox', 'push'] },
      { kind: 'data_export', is_urgent: false },
      { kind: 'privacy', is_urgent: true },
      { kind: 'product_news', is_urgent: false },
      { kind: 'security', is_urgent: true },
      { kind: 'tea_ready', description: 'Tea is ready', channels: ['push'], is_default: true },
    ])
    expect((await api.get('/notification_preferences')).status).toBe(401)
  })

  test.each<[string, string, string[], string]>([
    ['an unknown kind', 'weather', ['push'], 'notification_kind_unknown'],
    ['an unknown channel', 'announcement', ['pigeon'], 'notification_channels_invalid'],
    ['an urgent kind without its inbox', 'security', ['push'], 'notification_channels_invalid'],
  ])('refuse %s', async (_, kind, channels, key) => {
    const person = await signUp(api)
    expect((await choose(person, kind, channels)).body).toMatchObject({ message: key })
  })

  test.each([
    [{ starts_at: '22:00', ends_at: '22:00' }],
    [{ starts_at: '24:00', ends_at: '07:00' }],
    [{ starts_at: '22:00' }],
    [{ starts_at: '10pm', ends_at: '7am' }],
  ])('refuse quiet hours of %j (quiet_hours_invalid)', async (given) => {
    const person = await signUp(api)
    expect(await api.rpc('set_quiet_hours', given, person.token)).toMatchObject({
      status: 400,
      body: { message: 'quiet_hours_invalid' },
    })
  })

  test('quiet hours are set, changed and taken away', async () => {
    const person = await signUp(api)
    const set = async (given: Record<string, string>) =>
      (await api.rpc('set_quiet_hours', given, person.token)).body
    expect(await set({ starts_at: '22:00', ends_at: '07:00' })).toMatchObject([{ starts_at: '22:00' }])
    expect(await set({ starts_at: '23:00', ends_at: '06:00' })).toMatchObject([
      { starts_at: '23:00', ends_at: '06:00' },
    ])
    expect((await api.get('/quiet_hours', person.token)).body).toMatchObject([{ starts_at: '23:00' }])
    expect(await set({})).toEqual([])
    expect((await api.get('/quiet_hours', person.token)).body).toEqual([])
  })
})

describe('refused are', () => {
  test('a kind nobody declared (notification_kind_unknown), and a message too large for a push', async () => {
    const person = await signUp(api)
    await expect(notify(person, 'weather')).rejects.toMatchObject({ message: 'notification_kind_unknown' })
    await expect(notify(person, 'announcement', ', $3', [`${'"'.repeat(1000)}ü`])).rejects.toMatchObject({
      code: '23514',
    })
    // Each quote takes two bytes as JSON, each of these three.
    await expect(notify(person, 'announcement', ', $3', ['"€'.repeat(480)])).resolves.toBeTruthy()
    await expect(
      notify(person, 'announcement', ', $3, $4', ['"€'.repeat(480), { more: 'x'.repeat(700) }]),
    ).rejects.toMatchObject({ code: '23514', constraint: 'message_is_small' })
  })

  test('web roles and the worker: neither notifies anybody', async () => {
    const person = await signUp(api)
    for (const role of ['howdah_anon', 'howdah_user', 'howdah_admin', 'howdah_worker'] as const) {
      const call = db.session({ role, claims: { sub: person.id } }, (client) =>
        client.query(`select core.notify($1, 'security', 'Hello')`, [person.id]),
      )
      await expect(call).rejects.toMatchObject({ code: '42501' })
    }
  })

  test('an operator who mistypes the address (account_not_found)', async () => {
    await expect(
      db.owner.query(`select ops.notify('nobody@example.com', 'security', 'Hello')`),
    ).rejects.toMatchObject({
      message: 'account_not_found',
    })
  })
})
