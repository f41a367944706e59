/** api.sign_in through the real API: one answer for every failure, and a brake that cannot be turned on the owner. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const guess = (email: string, extra: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  api.request('POST', '/rpc/sign_in', { body: { email, password: 'a wrong guess', ...extra }, headers })

test('answers the same for a wrong password, an unknown address and a suspended account (invalid_credentials)', async () => {
  const person = await signUp(api)
  const suspended = await signUp(api)
  await db.owner.query(`update core.users set status = 'suspended' where id = $1`, [suspended.id])
  const answers = [
    await guess(person.email),
    await guess('nobody@example.com'),
    await api.rpc('sign_in', { email: suspended.email, password: suspended.password }),
    await guess('not an address'),
    await guess(`${'x'.repeat(100_000)}@example.com`),
  ]
  const seen = answers.map((a) => JSON.stringify([a.status, a.body, [...a.headers.keys()].sort()]))
  expect(answers[0]?.status).toBe(401)
  expect(answers[0]?.body.message).toBe('invalid_credentials')
  expect(new Set(seen).size).toBe(1)
})

test('evaluates ten guesses in fifteen minutes, however many arrive at once (too_many_attempts)', async () => {
  const person = await signUp(api)
  const answers = await Promise.all(Array.from({ length: 60 }, () => guess(person.email)))
  const statuses = answers.map((a) => a.status)
  expect(statuses.filter((s) => s === 401)).toHaveLength(10)
  expect(statuses.filter((s) => s === 429)).toHaveLength(50)
  const blocked = answers.find((a) => a.status === 429)
  expect(blocked?.body.message).toBe('too_many_attempts')
  expect(Number(blocked?.headers.get('retry-after'))).toBeGreaterThan(800)

  const right = await api.rpc('sign_in', { email: person.email, password: person.password })
  expect(right.status).toBe(429)
  await setClock(db, '16 minutes')
  const later = await api.rpc('sign_in', { email: person.email, password: person.password })
  expect(later.status).toBe(200)
  await setClock(db, '0')
})

test('counts a hundred wrong passwords at once as a hundred', async () => {
  const person = await signUp(api)
  const counted = async () => {
    const { rows } = await db.owner.query(
      `select attempt_count as count from private.attempts where bucket = private.attempt_bucket('account', core.email_key($1))`,
      [person.email],
    )
    return rows[0]?.count ?? 0
  }
  await Promise.all(Array.from({ length: 100 }, () => guess(person.email)))
  expect(await counted()).toBe(100)
})

test('lets the owner in from a device it knows while a stranger guesses', async () => {
  const person = await signUp(api)
  const device = { device_fingerprint: 'fingerprint-of-my-phone', device_name: 'Phone' }
  const credentials = { email: person.email, password: person.password }
  expect((await api.rpc('sign_in', { ...credentials, ...device })).status).toBe(200)
  await Promise.all(
    Array.from({ length: 15 }, () => guess(person.email, { device_fingerprint: 'a stranger device' })),
  )
  expect((await guess(person.email)).status).toBe(429)
  expect((await api.rpc('sign_in', { ...credentials, ...device })).status).toBe(200)
  const guesses = await Promise.all(Array.from({ length: 15 }, () => guess(person.email, device)))
  expect(guesses.filter((a) => a.status === 401).length).toBeLessThanOrEqual(10)
})

test('counts by address only through the header the proxy owns', async () => {
  await db.owner.query(`select ops.set_setting('client_address_header', '"x-howdah-client"')`)
  const from = (address: string, n: number) =>
    guess(`someone-${n}@example.com`, {}, { 'x-howdah-client': address, 'x-forwarded-for': `203.0.113.${n}` })
  const answers = []
  for (let n = 0; n < 32; n++) answers.push(await from('198.51.100.7', n))
  expect(answers.filter((a) => a.status === 429)).toHaveLength(2)
  expect((await from('198.51.100.8', 40)).status).toBe(401)
  await db.owner.query(`select ops.set_setting('client_address_header', 'null')`)
})

test('counts a whole IPv6 network as one place, and each IPv4 address however it is written', async () => {
  await db.owner.query(`select ops.set_setting('client_address_header', '"x-howdah-client"')`)
  const from = (address: string, n: number) =>
    guess(`somebody-${n}@example.com`, {}, { 'x-howdah-client': address })
  const answers = []
  for (let n = 0; n < 32; n++) answers.push(await from(`2001:db8:1:2:${(n * 2047).toString(16)}::${n}`, n))
  expect(answers.filter((a) => a.status === 429)).toHaveLength(2)
  expect((await from('2001:db8:1:3::1', 50)).status).toBe(401)

  for (let n = 0; n < 30; n++) await from(n % 2 ? '::ffff:198.51.100.9' : '198.51.100.9', 60 + n)
  expect((await from('::ffff:198.51.100.9', 95)).status).toBe(429)
  expect((await from('::ffff:198.51.100.10', 96)).status).toBe(401)
  await db.owner.query(`select ops.set_setting('client_address_header', 'null')`)
})

test('keeps neither addresses nor names in the counters', async () => {
  await guess('very-recognisable@example.com')
  const { rows } = await db.owner.query(
    `select count(*)::integer as all,
       count(*) filter (where encode(bucket, 'escape') like '%recognisable%'
         or bucket in (sha256('account:very-recognisable@example.com'), sha256('very-recognisable@example.com')))::integer as plain
     from private.attempts`,
  )
  expect(rows[0].all).toBeGreaterThan(0)
  expect(rows[0].plain).toBe(0)
})

test('refuses device texts no session can hold (device_invalid)', async () => {
  const answer = await guess('a@example.com', { device_fingerprint: 'short' })
  expect([answer.status, answer.body.message]).toEqual([400, 'device_invalid'])
})
