/** a session ends 30 days after its last use and 180 days after its beginning, to the second. */
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

const refresh = (token: string) => api.rpc('refresh_session', { refresh_token: token })
/** The claims of the token are of the real clock, so what is judged here is the session alone. */
const me = (token: string) => api.rpc('me', {}, token)

test('unused: alive a minute before 30 days, ended a minute after', async () => {
  const [early, late] = [await signUp(api), await signUp(api)]
  await setClock(db, '29 days 23 hours 59 minutes')
  expect((await me(early.token)).status).toBe(200)
  expect((await refresh(early.refreshToken)).status).toBe(200)
  await setClock(db, '30 days 1 minute')
  expect([(await me(late.token)).status, (await refresh(late.refreshToken)).body.message]).toEqual([
    401,
    'session_ended',
  ])
  await setClock(db, '0')
})

test('used all the time: alive a minute before 180 days, ended a minute after', async () => {
  const person = await signUp(api)
  let token = person.refreshToken
  let access = person.token
  for (const offset of [
    '29 days',
    '58 days',
    '87 days',
    '116 days',
    '145 days',
    '174 days',
    '179 days 23:59',
  ]) {
    await setClock(db, offset)
    const { status, body } = await refresh(token)
    expect([offset, status]).toEqual([offset, 200])
    token = body.refresh_token
    access = body.access_token
  }
  expect((await me(access)).status).toBe(200)
  await setClock(db, '180 days 1 minute')
  expect([(await me(access)).status, (await refresh(token)).body.message]).toEqual([401, 'session_ended'])
  await setClock(db, '0')
})

test('an account made while sign-up was open has to confirm its address once mails decide', async () => {
  const person = await signUp(api)
  const other = await signUp(api)
  await db.owner.query(`select ops.set_setting('sign_up_mode', '"verify"')`)
  const signIn = (password: string) => api.rpc('sign_in', { email: person.email, password })
  expect((await signIn('a wrong guess')).body.message).toBe('invalid_credentials')
  for (let n = 0; n < 7; n++) {
    const answer = await signIn(person.password)
    expect([answer.status, answer.body.message]).toEqual([403, 'email_not_verified'])
  }
  const { rows } = await db.owner.query(
    `select count(*)::int as mails from core.mails where user_id = $1 and kind = 'verify_email'`,
    [person.id],
  )
  expect(rows, 'a mailbox is not flooded').toEqual([{ mails: 5 }])
  expect((await me(person.token)).status, 'sessions that there are go on').toBe(200)

  const token = (
    await db.owner.query(`select private.issue_one_time_token('verify_email', $1, null, $2) as token`, [
      person.id,
      person.email,
    ])
  ).rows[0].token
  expect((await api.rpc('verify_email', { token })).status).toBe(204)
  expect((await signIn(person.password)).status).toBe(200)
  await db.owner.query(`select ops.set_setting('sign_up_mode', '"open"')`)
  expect((await api.rpc('sign_in', { email: other.email, password: other.password })).status).toBe(200)
})
