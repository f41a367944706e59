/** api.refresh_session: rotation, the window for a lost answer, and what a thief sets off. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
let second: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  second = await testApi(db)
})
afterAll(() => db.drop())

const refresh = (token: string, through = api) => through.rpc('refresh_session', { refresh_token: token })
const successor = (answer: Answer): string => {
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return answer.body.refresh_token
}

test('gives twenty parallel calls of two servers one successor, for twenty rounds', async () => {
  let token = (await signUp(api)).refreshToken
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => refresh(token, n % 2 ? api : second)),
    )
    const successors = new Set(answers.map(successor))
    expect(successors.size).toBe(1)
    token = [...successors][0] as string
  }
  const { rows } = await db.owner.query(
    `select count(*)::integer as live from private.refresh_tokens as t where t.rotated_at is null
       and t.session_id = (select session_id from private.refresh_tokens where token_hash = sha256(decode(translate($1, '-_', '+/') || '=', 'base64')))`,
    [token],
  )
  expect(rows[0].live).toBe(1)
})

test('answers a lost answer again for ten seconds, and ends the session when a token comes back later (refresh_token_reused)', async () => {
  const person = await signUp(api)
  const first = await refresh(person.refreshToken)
  expect(successor(await refresh(person.refreshToken))).toBe(successor(first))

  await setClock(db, '11 seconds')
  const reused = await refresh(person.refreshToken)
  expect([reused.status, reused.body.message]).toEqual([401, 'refresh_token_reused'])
  const after = await refresh(successor(first))
  expect([after.status, after.body.message]).toEqual([401, 'session_ended'])
  const me = await api.rpc('me', {}, first.body.access_token)
  expect([me.status, me.body.message]).toEqual([401, 'session_ended'])
  const { rows } = await db.owner.query('select revoked_reason from core.sessions where user_id = $1', [
    person.id,
  ])
  expect(rows).toEqual([{ revoked_reason: 'refresh_token_reused' }])
  await setClock(db, '0')
})

test('revokes the whole family when the oldest of four tokens comes back', async () => {
  const tokens = [(await signUp(api)).refreshToken]
  for (let n = 0; n < 3; n++) tokens.push(successor(await refresh(tokens.at(-1) as string)))
  await setClock(db, '1 minute')
  expect((await refresh(tokens[0] as string)).body.message).toBe('refresh_token_reused')
  for (const token of tokens) expect((await refresh(token)).status).toBe(401)
  await setClock(db, '0')
})

test('refuses, but ends nothing, when the successor is in use within the window (refresh_token_superseded)', async () => {
  const person = await signUp(api)
  const next = successor(await refresh(person.refreshToken))
  const newest = successor(await refresh(next))
  const late = await refresh(person.refreshToken)
  expect([late.status, late.body.message]).toEqual([409, 'refresh_token_superseded'])
  expect((await refresh(newest)).status).toBe(200)
})

test.each(['', 'garbage', 'A'.repeat(43), 'ä'.repeat(50), 'x'.repeat(100_000)])(
  'refuses a token that is not ours (refresh_token_invalid) %#',
  async (token) => {
    const answer = await refresh(token)
    expect([answer.status, answer.body.message]).toEqual([401, 'refresh_token_invalid'])
  },
)

test('ends an idle session after 30 days and any session after 180', async () => {
  const idle = await signUp(api)
  const active = await signUp(api)
  await setClock(db, '29 days 23 hours')
  const kept = successor(await refresh(active.refreshToken))
  await setClock(db, '30 days 1 minute')
  expect((await refresh(idle.refreshToken)).body.message).toBe('session_ended')
  expect((await refresh(kept)).status).toBe(200)
  await setClock(db, '0')

  const old = await signUp(api)
  await db.owner.query(
    `update core.sessions set created_at = now() - interval '179 days 23 hours' where user_id = $1`,
    [old.id],
  )
  const last = successor(await refresh(old.refreshToken))
  await setClock(db, '2 hours')
  expect((await refresh(last)).body.message).toBe('session_ended')
  await setClock(db, '0')
})

test('keeps nothing in the database that could be used as a token', async () => {
  const person = await signUp(api)
  const next = successor(await refresh(person.refreshToken))
  const raw = [person.refreshToken, next].map((token) => Buffer.from(token, 'base64url'))
  expect(raw.every((bytes) => bytes.length === 32)).toBe(true)
  const { rows } = await db.owner.query(
    `select count(*)::integer as found from private.refresh_tokens
     where token_hash = any ($1::bytea[]) or successor_nonce = any ($1::bytea[])`,
    [raw],
  )
  expect(rows[0].found).toBe(0)
})
