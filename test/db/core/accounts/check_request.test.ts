/** Access tokens and the guard in front of every request: complete tokens of living sessions, nothing else. */
import { jwtVerify, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
let person: Person
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  person = await signUp(api)
})
afterAll(() => db.drop())

const secret = () => new TextEncoder().encode(db.target.secrets.jwt_secret)
const verified = async (token: string) =>
  (await jwtVerify(token, secret(), { audience: 'howdah', issuer: 'howdah' })).payload
const signed = (claims: Record<string, unknown>) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(secret())

test('makes tokens that another library verifies, complete and 15 minutes long', async () => {
  const claims = await verified(person.token)
  expect(Object.keys(claims).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'role', 'sid', 'sub'])
  expect(claims.sub).toBe(person.id)
  expect(claims['role']).toBe('howdah_user')
  expect((claims.exp as number) - (claims.iat as number)).toBe(900)
})

test('takes its own claims when signed again: the positive control of what follows', async () => {
  const answer = await api.rpc('me', {}, await signed(await verified(person.token)))
  expect([answer.status, answer.body[0]?.id]).toEqual([200, person.id])
})

const now = Math.floor(Date.now() / 1000)
const variants: [string, Record<string, unknown>][] = [
  ['no exp', { exp: undefined }],
  ['exp an hour away', { exp: now + 3600 }],
  ['exp 20 seconds ago', { exp: now - 20, iat: now - 900 }],
  ['exp as text', { exp: String(now + 600) }],
  ['a huge exp', { exp: 1e300 }],
  ['no iat', { iat: undefined }],
  ['no aud', { aud: undefined }],
  ['another aud', { aud: 'elsewhere' }],
  ['a list of other aud', { aud: ['elsewhere', 'nowhere'] }],
  ['no iss', { iss: undefined }],
  ['another iss', { iss: 'elsewhere' }],
  ['no sub', { sub: undefined }],
  ['sub of another form', { sub: 'ada' }],
  ['sub as a number', { sub: 5 }],
  ['no sid', { sid: undefined }],
  ['a sid nobody has', { sid: '01890000-0000-7000-8000-000000000000' }],
  ['no role', { role: undefined }],
  ['the admin role', { role: 'howdah_admin' }],
  ['the anonymous role', { role: 'howdah_anon' }],
  ['the worker role', { role: 'howdah_worker' }],
  ['the role none', { role: 'none' }],
]
test.each(variants)('refuses a well-signed token with %s', async (_what, changed) => {
  const claims = { ...(await verified(person.token)), ...changed }
  const answer = await api.rpc('me', {}, await signed(claims))
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(answer.status).toBeLessThan(404)
  // The same token must not open what anybody may open either: it is wrong, not anonymous.
  expect((await api.get('/rpc/health', await signed(claims))).status).toBeGreaterThanOrEqual(400)
})

test("refuses the session of somebody else under one's own id", async () => {
  const other = await verified((await signUp(api)).token)
  const answer = await api.rpc(
    'me',
    {},
    await signed({ ...(await verified(person.token)), sid: other['sid'] }),
  )
  expect([answer.status, answer.body.message]).toEqual([401, 'session_ended'])
})

const endings: [string, (who: Person) => Promise<unknown>][] = [
  ['sign-out', (who) => api.rpc('sign_out', {}, who.token)],
  [
    'suspension',
    (who) => db.owner.query(`update core.users set status = 'suspended' where id = $1`, [who.id]),
  ],
  [
    'soft deletion',
    (who) => db.owner.query('update core.users set deleted_at = now() where id = $1', [who.id]),
  ],
  [
    'a change of role',
    (who) => db.owner.query(`update core.users set role = 'admin' where id = $1`, [who.id]),
  ],
  [
    'the end of the session row',
    (who) => db.owner.query('delete from core.sessions where user_id = $1', [who.id]),
  ],
]
test.each(endings)('refuses the next request after %s', async (_what, end) => {
  const who = await signUp(api)
  expect((await api.rpc('me', {}, who.token)).status).toBe(200)
  await end(who)
  const answer = await api.rpc('me', {}, who.token)
  expect([answer.status, answer.body.message]).toEqual([401, 'session_ended'])
})

test('sign-out ends its own session only and may be repeated', async () => {
  const who = await signUp(api)
  const elsewhere = await api.rpc('sign_in', { email: who.email, password: who.password })
  expect((await api.rpc('sign_out', {}, who.token)).status).toBe(204)
  expect((await api.rpc('sign_out', {}, who.token)).status).toBe(401)
  const sessions = await api.get('/sessions', elsewhere.body.access_token)
  expect(sessions.body.map((s: { is_current: boolean }) => s.is_current)).toEqual([true])
  expect((await api.rpc('refresh_session', { refresh_token: who.refreshToken })).status).toBe(401)
})

test('makes the promoted an admin only with a token made after the promotion', async () => {
  const who = await signUp(api)
  await db.owner.query(`update core.users set role = 'admin' where id = $1`, [who.id])
  const answer = await api.rpc('refresh_session', { refresh_token: who.refreshToken })
  const users = await api.get('/users?select=id', answer.body.access_token)
  expect(users.body.length).toBeGreaterThan(1)
})

test('passes a token whose session lives on although core.now() was moved', async () => {
  await setClock(db, '2 days')
  expect((await api.rpc('me', {}, person.token)).status).toBe(200)
  await setClock(db, '0')
})
