/** Every way a session can end: the next request and the next refresh are refused; only one's own end. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const sessionsOf = async (token: string) =>
  (await api.get('/sessions', token)).body as { id: string; is_current: boolean }[]
const ENDINGS: [how: string, end: (person: Person) => Promise<unknown>, reason: string][] = [
  ['sign_out', (person) => api.rpc('sign_out', {}, person.token), 'signed_out'],
  [
    'sign_out_everywhere',
    (person) => api.rpc('sign_out_everywhere', {}, person.token),
    'signed_out_everywhere',
  ],
  [
    'end_session',
    async (person) => {
      const [own] = await sessionsOf(person.token)
      return api.rpc('end_session', { session_id: own?.id }, person.token)
    },
    'ended_by_user',
  ],
  ['suspension', (person) => db.owner.query('select ops.suspend_account($1)', [person.email]), 'suspended'],
  [
    'a new role',
    (person) => db.owner.query(`select ops.set_role($1, 'admin')`, [person.email]),
    'role_changed',
  ],
  [
    'the operator',
    (person) => db.owner.query('select ops.end_sessions($1)', [person.email]),
    'ended_by_admin',
  ],
]

test.each(ENDINGS)('%s is felt by the next request and the next refresh', async (_how, end, reason) => {
  const person = await signUp(api)
  expect((await api.rpc('me', {}, person.token)).status).toBe(200)
  await end(person)
  const request = await api.rpc('me', {}, person.token)
  expect([request.status, request.body.message]).toEqual([401, 'session_ended'])
  const refresh = await api.rpc('refresh_session', { refresh_token: person.refreshToken })
  expect([refresh.status, refresh.body.message]).toEqual([401, 'session_ended'])
  const { rows } = await db.owner.query('select revoked_reason from core.sessions where user_id = $1', [
    person.id,
  ])
  expect(rows).toEqual([{ revoked_reason: reason }])
})

test('the list shows and ends one’s own sessions only (session_not_found)', async () => {
  const [ada, bob] = [await signUp(api), await signUp(api)]
  const phone = (await api.rpc('sign_in', { email: ada.email, password: ada.password })).body
  const own = await sessionsOf(ada.token)
  expect(own).toHaveLength(2)
  const foreign = (await sessionsOf(bob.token))[0]?.id
  expect(own.map(({ id }) => id)).not.toContain(foreign)
  for (const id of [foreign, '0198c0de-0000-7000-8000-00000000000a', null]) {
    const answer = await api.rpc('end_session', { session_id: id }, ada.token)
    expect([answer.status, answer.body.message]).toEqual([404, 'session_not_found'])
  }
  expect((await api.rpc('me', {}, bob.token)).status).toBe(200)
  const other = own.find(({ is_current }) => !is_current)
  expect((await api.rpc('end_session', { session_id: other?.id }, ada.token)).status).toBe(204)
  expect((await api.rpc('me', {}, phone.access_token)).body.message).toBe('session_ended')
  expect((await api.rpc('me', {}, ada.token)).status).toBe(200)
})

test('signing out everywhere says how many', async () => {
  const person = await signUp(api)
  await api.rpc('sign_in', { email: person.email, password: person.password })
  const answer = await api.rpc('sign_out_everywhere', {}, person.token)
  expect([answer.status, answer.body]).toEqual([200, { ended_session_count: 2 }])
})

test('a suspended account cannot come back by itself; restored, it can', async () => {
  const person = await signUp(api)
  const token = await db.owner.query(
    `select private.issue_one_time_token('reset_password', $1, null, $2) as token`,
    [person.id, person.email],
  )
  await db.owner.query('select ops.suspend_account($1)', [person.email])
  await db.owner.query('select ops.suspend_account($1)', [person.email])
  const reset = await api.rpc('reset_password', {
    token: token.rows[0].token,
    new_password: 'another password',
  })
  expect(reset.body.message).toBe('link_invalid')
  const signIn = () => api.rpc('sign_in', { email: person.email, password: person.password })
  expect((await signIn()).body.message).toBe('invalid_credentials')
  const { rows } = await db.owner.query('select ops.restore_account($1) as was', [person.email])
  expect(rows).toEqual([{ was: true }])
  expect((await signIn()).status).toBe(200)
})

test('a new admin sees what admins see, and no longer after it', async () => {
  const person = await signUp(api)
  await signUp(api)
  await db.owner.query(`select ops.set_role($1, 'admin')`, [person.email])
  const signIn = async () =>
    (await api.rpc('sign_in', { email: person.email, password: person.password })).body.access_token
  expect((await api.get('/users', await signIn())).body.length).toBeGreaterThan(1)
  await db.owner.query(`select ops.set_role($1, 'user')`, [person.email])
  expect((await api.get('/users', await signIn())).body).toHaveLength(1)
})

test('operators are told what they mistyped (account_not_found, role_unknown)', async () => {
  const person = await signUp(api)
  await expect(db.owner.query(`select ops.suspend_account('nobody@example.com')`)).rejects.toThrow(
    'account_not_found',
  )
  await expect(db.owner.query(`select ops.set_role($1, 'root')`, [person.email])).rejects.toThrow(
    'role_unknown',
  )
})
