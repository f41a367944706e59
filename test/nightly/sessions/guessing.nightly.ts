/** ten thousand guesses, fifty at once, from ever other pretended addresses; the owner comes in all the same. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { signUp } from '../../setup/story.ts'

const GUESSES = 10_000
const AT_ONCE = 50
/** Documented at api.sign_in: failed attempts an account and 15 minutes. */
const EVALUATED = 10

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

test('ten guesses are evaluated, and the owner signs in from a known device meanwhile', async () => {
  const person = await signUp(api)
  const device = { device_fingerprint: 'the-owner-knows-this-one' }
  const credentials = { email: person.email, password: person.password }
  await api.rpc('sign_in', { ...credentials, ...device })

  const counts = new Map<number, number>()
  let sent = 0
  const owner: number[] = []
  const work = async () => {
    while (sent < GUESSES) {
      const n = sent++
      const headers = {
        'x-forwarded-for': `198.51.${n % 250}.${n % 199}`,
        'x-real-ip': `203.0.113.${n % 250}`,
      }
      const body = { email: person.email, password: `guess ${n}`, device_fingerprint: `stranger-${n}` }
      const { status } = await api.request('POST', '/rpc/sign_in', { body, headers })
      counts.set(status, (counts.get(status) ?? 0) + 1)
      if (n % 1000 === 500) owner.push((await api.rpc('sign_in', { ...credentials, ...device })).status)
    }
  }
  const from = performance.now()
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  const seconds = Math.round((performance.now() - from) / 1000)
  console.log(
    `A-06: ${GUESSES} guesses in ${seconds} s: ${counts.get(401)} evaluated, ${counts.get(429)} refused; ` +
      `the owner signed in ${owner.filter((status) => status === 200).length} of ${owner.length} times`,
  )
  expect(Object.fromEntries(counts)).toEqual({ 401: EVALUATED, 429: GUESSES - EVALUATED })
  expect(new Set(owner)).toEqual(new Set([200]))

  await api.restart()
  const afterwards = await api.rpc('sign_in', { ...credentials, password: 'one more' })
  expect(afterwards.status).toBe(429)
  const refreshed = await api.rpc('refresh_session', { refresh_token: person.refreshToken })
  expect(refreshed.status).toBe(200)
})
