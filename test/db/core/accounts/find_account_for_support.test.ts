/** The help desk: one window, no other right, and every look through it is written down. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
let helper: Person & { fresh: string }
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  helper = await appointed('support')
})
afterAll(() => db.drop())

const signIn = async (person: Person) =>
  (await api.rpc('sign_in', { email: person.email, password: person.password })).body
async function appointed(role: string) {
  const person = await signUp(api)
  await db.owner.query('select ops.set_role($1, $2)', [person.email, role])
  return { ...person, fresh: (await signIn(person)).access_token as string }
}
const find = (email: string | null, token?: string) => api.rpc('find_account_for_support', { email }, token)

test('a helper sees what is wrong with an account, and nothing it keeps for itself', async () => {
  const ada = await signUp(api, { email: 'ada@example.com', display_name: 'Ada' })
  await api.rpc(
    'update_profile',
    { full_name: 'Ada Lovelace', preferences: { theme: 'very-dark' } },
    ada.token,
  )
  const { status, body } = await find('ADA@example.com', helper.fresh)
  expect(status).toBe(200)
  expect(body).toMatchObject({
    id: ada.id,
    email: 'ada@example.com',
    role: 'user',
    status: 'active',
    has_password: true,
    has_second_factor: false,
    identity_issuers: [],
  })
  expect(body.sessions).toHaveLength(1)
  for (const kept of ['very-dark', 'Lovelace', 'user_agent', 'client_address', 'fingerprint', '$2']) {
    expect(JSON.stringify(body)).not.toContain(kept)
  }
})

test('each look is an event about the account, with the helper as its actor; misses too', async () => {
  const bob = await signUp(api, { email: 'bob@example.com' })
  await find('bob@example.com', helper.fresh)
  expect((await find('nobody@example.com', helper.fresh)).body.message).toBe('account_not_found')
  expect((await find(null, helper.fresh)).body.message).toBe('account_not_found')
  const { rows } = await db.owner.query(
    `select subject_id, new_values ->> 'was_found' as found from core.audit_log
     where operation = 'support_looked_up' and actor_user_id = $1 order by id desc limit 3`,
    [helper.id],
  )
  expect(rows.reverse()).toEqual([
    { subject_id: bob.id, found: 'true' },
    { subject_id: null, found: 'false' },
    { subject_id: null, found: 'false' },
  ])
})

test('others may not look, and a helper may do nothing else that a user may not', async () => {
  const user = await signUp(api)
  expect((await find(helper.email, user.token)).body.message).toBe('support_only')
  expect((await find(helper.email)).status).toBe(401)
  const accounts = await api.get('/users', helper.fresh)
  expect(accounts.body.map(({ id }: { id: string }) => id)).toEqual([helper.id])
  expect(accounts.body[0].role).toBe('support')
  expect((await api.get('/analytics_daily', helper.fresh)).status).toBe(403)
  expect((await api.get('/sessions', helper.fresh)).body).toHaveLength(1)
  const claims = JSON.parse(Buffer.from(helper.fresh.split('.')[1] ?? '', 'base64url').toString())
  expect(claims.role).toBe('howdah_user')
})

test("the window is no admin's, and whoever is dismissed or suspended is out of it at once", async () => {
  const admin = await appointed('admin')
  expect((await find(helper.email, admin.fresh)).status).toBe(403)
  const former = await appointed('support')
  expect((await db.owner.query('select ops.set_role($1, $2) as ended', [former.email, 'user'])).rows).toEqual(
    [{ ended: 1 }],
  )
  expect((await find(helper.email, former.fresh)).body.message).toBe('session_ended')
  expect((await find(helper.email, (await signIn(former)).access_token)).body.message).toBe('support_only')
  const suspended = await appointed('support')
  await db.owner.query('select ops.suspend_account($1)', [suspended.email])
  expect((await find(helper.email, suspended.fresh)).status).toBe(401)
})

test('sixty look-ups an hour, however many at once (too_many_attempts)', async () => {
  const busy = await appointed('support')
  const answers = await Promise.all(Array.from({ length: 70 }, () => find(helper.email, busy.fresh)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(60)
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(10)
})
