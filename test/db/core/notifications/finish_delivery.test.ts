/** begin_delivery and finish_delivery: who is pushed to at all, what may be tried again, and for how long. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { iosToken, webSubscription } from './devices.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

async function notified(
  platform: 'ios' | 'web' = 'ios',
  count = 1,
): Promise<{ person: Person; ids: string[] }> {
  const person = await signUp(api)
  const device = platform === 'ios' ? { token: iosToken() } : { subscription: webSubscription() }
  await api.rpc('register_notification_token', { platform, ...device }, person.token)
  for (let n = 0; n < count; n++) {
    await db.owner.query(`select core.notify($1, 'announcement', 'Hello')`, [person.id])
  }
  const { rows } = await db.owner.query(
    'select id from core.notification_deliveries where user_id = $1 order by id',
    [person.id],
  )
  return { person, ids: rows.map(({ id }) => id) }
}
const worker = () => db.as('howdah_worker')
const begin = async (id: string | undefined) =>
  (await worker().query('select core.begin_delivery($1) as taken', [id])).rows[0].taken
const finish = async (id: string | undefined, outcome: string, retryAfter: number | null = null) =>
  (
    await worker().query('select core.finish_delivery($1, $2, $3, $4) as state', [
      id,
      outcome,
      'why',
      retryAfter,
    ])
  ).rows[0].state
const state = async (id: string | undefined) =>
  (await db.owner.query('select state from core.notification_deliveries where id = $1', [id])).rows[0]?.state
const dueNow = (id: string | undefined) =>
  db.owner.query('update core.notification_deliveries set next_attempt_at = core.now() where id = $1', [id])

test('eight refusals of the kind "later", each after a longer pause, and it has failed', async () => {
  const {
    ids: [id],
  } = await notified()
  const pauses: number[] = []
  for (let attempt = 1; attempt <= 8; attempt++) {
    expect(await begin(id)).not.toBeNull()
    expect(await finish(id, 'later')).toBe(attempt < 8 ? 'waiting' : 'failed')
    const { rows } = await db.owner.query(
      'select extract(epoch from next_attempt_at - started_at)::int as pause from core.notification_deliveries where id = $1',
      [id],
    )
    pauses.push(rows[0].pause)
    await dueNow(id)
  }
  expect(pauses).toEqual([30, 60, 120, 240, 480, 960, 1920, 3600])
  expect(await begin(id)).toBeNull()
})

test('what waits for its next try has one job, for then', async () => {
  const {
    ids: [id],
  } = await notified()
  await begin(id)
  await finish(id, 'later', 120)
  const { rows } = await db.superuser.query(
    `select extract(epoch from run_at - now())::int as wait, payload from graphile_worker._private_jobs
     where key = 'core/send_notification:' || $1`,
    [id],
  )
  expect(rows).toEqual([
    { wait: expect.toSatisfy((wait: number) => Math.abs(wait - 120) < 5), payload: { delivery_id: id } },
  ])
  // Looked at too early, it stays.
  expect(await begin(id)).toBeNull()
  expect(await state(id)).toBe('waiting')
})

test('taken twice it is unknown, and finishing it then changes nothing', async () => {
  const {
    ids: [id],
  } = await notified()
  expect(await begin(id)).not.toBeNull()
  expect(await begin(id)).toBeNull()
  expect(await state(id)).toBe('unknown')
  expect(await finish(id, 'sent')).toBeNull()
  expect(await state(id)).toBe('unknown')
})

test('of twenty that take it at once, one gets it', async () => {
  const {
    ids: [id],
  } = await notified()
  const taken = await Promise.all(Array.from({ length: 20 }, () => begin(id)))
  expect(taken.filter((one) => one !== null)).toHaveLength(1)
})

test('"gone" disables the device, and what else waited for it is given up', async () => {
  const { person, ids } = await notified('ios', 3)
  await begin(ids[0])
  expect(await finish(ids[0], 'gone')).toBe('failed')
  expect(await Promise.all(ids.map(state))).toEqual(['failed', 'skipped', 'skipped'])
  const { body } = await api.get('/notification_tokens', person.token)
  expect(body).toMatchObject([{ disabled_reason: 'gone', disabled_at: expect.any(String) }])
})

test('a suspended account is not pushed to, even if a session was forgotten', async () => {
  const {
    person,
    ids: [id],
  } = await notified()
  await db.owner.query(`update core.users set status = 'suspended' where id = $1`, [person.id])
  expect(await begin(id)).toBeNull()
  expect(await state(id)).toBe('skipped')
})

test('a browser waits until there are keys to sign with; they are kept as they were first', async () => {
  const {
    ids: [id],
  } = await notified('web')
  expect(await begin(id)).toBeNull()
  expect(await state(id)).toBe('waiting')
  const keep = async (publicKey: Buffer, privateKey: Buffer) =>
    (
      await worker().query('select core.keep_web_push_keys($1, $2) as is_new', [
        publicKey.toString('base64url'),
        privateKey.toString('base64url'),
      ])
    ).rows[0].is_new
  expect(await keep(Buffer.alloc(64, 4), Buffer.alloc(32, 1))).toBe(false)
  expect(await keep(Buffer.alloc(65, 4), Buffer.alloc(32, 1))).toBe(true)
  expect(await keep(Buffer.alloc(65, 5), Buffer.alloc(32, 2))).toBe(false)
  expect((await api.rpc('web_push_public_key')).body).toBe(Buffer.alloc(65, 4).toString('base64url'))
  await dueNow(id)
  expect(await begin(id)).toMatchObject({
    platform: 'web',
    keys: { private_key: Buffer.alloc(32, 1).toString('base64url') },
  })
})
