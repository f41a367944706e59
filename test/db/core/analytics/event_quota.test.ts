/** Quotas of analytics events: for the account, the visitor and the address, counted although the call is refused. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'
import { event } from './events.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  await db.owner.query(`select ops.set_setting('analytics_event_quota', '10')`)
})
afterAll(() => db.drop())

const send = (
  count: number,
  visitor: string,
  options: { token?: string; headers?: Record<string, string> } = {},
) =>
  api.request('POST', '/rpc/track_events', {
    body: { events: Array.from({ length: count }, () => event({ visitor_id: visitor })) },
    ...options,
  })
const count = async () => {
  const { rows } = await db.owner.query('select count(*)::int as count from core.analytics_events')
  return rows[0].count
}

test('a visitor is held back for the rest of ten minutes, another one is not (event_quota_exceeded)', async () => {
  const [visitor, other] = [randomUUID(), randomUUID()]
  expect((await send(10, visitor)).body).toMatchObject({ accepted: 10 })
  const before = await count()
  const refused = await send(1, visitor)
  expect(refused).toMatchObject({ status: 429, body: { code: 'PT429', message: 'event_quota_exceeded' } })
  const wait = Number(refused.headers.get('retry-after'))
  expect(wait).toBeGreaterThan(590)
  expect(wait).toBeLessThanOrEqual(600)
  expect(await count()).toBe(before)
  expect((await send(10, other)).status).toBe(200)
  // Refused calls do not make the wait longer.
  await setClock(db, '601 seconds')
  expect((await send(10, visitor)).status).toBe(200)
  await setClock(db, '0')
})

test('writing the visitor id in capitals is no second quota', async () => {
  const visitor = randomUUID()
  expect((await send(10, visitor)).status).toBe(200)
  expect((await send(1, visitor.toUpperCase())).status).toBe(429)
})

test('an account has one quota, however many visitors it claims to be', async () => {
  const { token } = await signUp(api)
  for (let turn = 0; turn < 10; turn++) expect((await send(1, randomUUID(), { token })).status).toBe(200)
  expect((await send(1, randomUUID(), { token })).status).toBe(429)
})

test('twenty calls at once get through as many as the quota allows', async () => {
  const visitor = randomUUID()
  const answers = await Promise.all(Array.from({ length: 20 }, () => send(1, visitor)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(10)
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(10)
})

test('an address has ten times as much, behind a proxy that tells it', async () => {
  await db.owner.query(`select ops.set_setting('client_address_header', '"x-real-ip"')`)
  const from = (address: string) => ({ headers: { 'X-Real-IP': address } })
  for (let turn = 0; turn < 10; turn++)
    expect((await send(10, randomUUID(), from('192.0.2.7'))).status).toBe(200)
  expect((await send(1, randomUUID(), from('192.0.2.7'))).status).toBe(429)
  expect((await send(1, randomUUID(), from('192.0.2.8'))).status).toBe(200)
})

test('visitors that share calls in any order do not wait for each other in a circle', async () => {
  const visitors = Array.from({ length: 5 }, () => randomUUID())
  const mixed = (order: string[]) =>
    api.rpc('track_events', { events: order.map((visitor_id) => event({ visitor_id })) })
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, turn) => mixed(turn % 2 ? visitors : visitors.toReversed())),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]))
})
