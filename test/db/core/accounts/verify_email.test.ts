/** Where a mail decides: signing up, confirming and changing an address, through the API, the worker and real mail. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'
import { openPostOffice, type PostOffice } from '../../../worker/support/post-office.ts'

let db: TestDatabase
let api: TestApi
let post: PostOffice
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  post = await openPostOffice(db)
})
afterAll(async () => {
  await post[Symbol.asyncDispose]()
  await db.drop()
})

const mode = (value: 'open' | 'verify') =>
  db.owner.query(`select ops.set_setting('sign_up_mode', to_jsonb($1::text))`, [value])
const ask = (email: string, password = 'correct horse battery') => api.rpc('sign_up', { email, password })
const signIn = (email: string, password = 'correct horse battery') => api.rpc('sign_in', { email, password })
const verify = (token: string) => api.rpc('verify_email', { token })
const securityEvents = async (userId: string): Promise<string[]> =>
  (
    await db.owner.query(
      `select operation from core.audit_log where kind = 'security' and subject_id = $1 order by id`,
      [userId],
    )
  ).rows.map(({ operation }) => operation)

beforeEach(() => mode('open'))

test('sign-up by mail: no account before the link, one after it, confirmed', async () => {
  await mode('verify')
  const answer = await ask('new@example.com')
  expect([answer.status, answer.body]).toEqual([202, { status: 'mail_queued' }])
  const token = await post.tokenFor('new@example.com')
  expect((await signIn('new@example.com')).body.message).toBe('invalid_credentials')
  expect((await db.owner.query(`select from core.users where email = 'new@example.com'`)).rowCount).toBe(0)
  expect((await verify(token)).status).toBe(204)
  const session = await signIn('new@example.com')
  expect(session.status).toBe(200)
  const me = await api.rpc('me', {}, session.body.access_token)
  expect(me.body[0].email_verified_at).toMatch(/^\d{4}-/)
  const left = await db.owner.query(`select from private.sign_up_requests where email = 'new@example.com'`)
  expect(left.rowCount).toBe(0)
  expect(await securityEvents(me.body[0].id)).toEqual(['sign_up', 'sign_in'])
  expect((await verify(token)).body.message).toBe('link_invalid')
})

test('every address gets the same answer: new, taken, suspended (A-05)', async () => {
  const taken = await signUp(api)
  const suspended = await signUp(api)
  await db.owner.query('select ops.suspend_account($1)', [suspended.email])
  await mode('verify')
  const shape = async (call: Promise<{ status: number; body: unknown; headers: Headers }>) => {
    const { status, body, headers } = await call
    const named = [...headers].filter(([name]) => !['date', 'content-length'].includes(name))
    return { status, body, named }
  }
  const addresses = ['nobody-yet@example.com', taken.email, suspended.email]
  const signUps = await Promise.all(addresses.map((email) => shape(ask(email))))
  const resets = await Promise.all(
    addresses.map((email) => shape(api.rpc('request_password_reset', { email }))),
  )
  const signIns = await Promise.all(addresses.map((email) => shape(signIn(email, 'wrong wrong wrong'))))
  for (const answers of [signUps, resets, signIns]) {
    expect(answers[1]).toEqual(answers[0])
    expect(answers[2]).toEqual(answers[0])
  }
  await post.mails.mailFor('nobody-yet@example.com')
  await post.mails.mailFor(taken.email, 2)
  const subjects = post.mails.received
    .filter(({ to }) => to === taken.email)
    .map(({ message }) => message.subject)
  expect(subjects.sort()).toEqual(['You have an account at Howdah', 'Your new password for Howdah'])
  const { rows } = await db.owner.query(
    `select state, count(*)::int from core.mails where recipient is null and state <> 'sent' group by state`,
  )
  expect(rows).toEqual([{ state: 'skipped', count: 3 }])
  expect(post.mails.received.some(({ to }) => to === suspended.email)).toBe(false)
  // The account's password is still its own, though its address was never confirmed.
  expect((await signIn(taken.email, taken.password)).body.message).toBe('email_not_verified')
})

test('who asks twice gets the password of the link that was opened; the older link is void', async () => {
  await mode('verify')
  await ask('twice@example.com', 'the first password')
  const first = await post.tokenFor('twice@example.com')
  await ask('twice@example.com', 'the second password')
  const second = await post.tokenFor('twice@example.com', 2)
  expect((await verify(first)).body.message).toBe('link_invalid')
  expect((await verify(second)).status).toBe(204)
  expect((await signIn('twice@example.com', 'the first password')).status).toBe(401)
  expect((await signIn('twice@example.com', 'the second password')).status).toBe(200)
})

test('a mailbox is not flooded through us (too_many_attempts)', async () => {
  await mode('verify')
  const statuses = []
  for (let n = 0; n < 6; n++)
    statuses.push(await api.rpc('request_password_reset', { email: 'flood@example.com' }))
  expect(statuses.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202, 429])
  expect(Number(statuses[5]?.headers.get('retry-after'))).toBeGreaterThan(3000)
})

test('mail goes to the stored address, whatever spelling was typed (A-18)', async () => {
  const person = await signUp(api, { email: 'Stored.Case@example.com' })
  await api.rpc('request_password_reset', { email: 'stored.case@EXAMPLE.com' })
  await post.tokenFor('Stored.Case@example.com')
  await api.rpc('request_password_reset', { email: 'ſtored.case@example.com' })
  await api.rpc('request_password_reset', { email: 'stored.case@example.com' })
  await post.tokenFor('Stored.Case@example.com', 2)
  const { rows } = await db.owner.query(
    `select count(*)::int from core.mails where user_id = $1 and kind = 'reset_password'`,
    [person.id],
  )
  expect(rows).toEqual([{ count: 2 }])
})

test('a signed-in person confirms their own address, once (email_already_verified)', async () => {
  const person = await signUp(api)
  const asked = await api.rpc('request_email_verification', {}, person.token)
  expect(asked.status).toBe(202)
  expect((await verify(await post.tokenFor(person.email))).status).toBe(204)
  const again = await api.rpc('request_email_verification', {}, person.token)
  expect([again.status, again.body.message]).toEqual([409, 'email_already_verified'])
  expect((await api.rpc('request_email_verification')).status).toBe(401)
})

test('an account moves when the link in the new mailbox is opened, and the old one is told', async () => {
  const person = await signUp(api)
  const stale = api.rpc('request_password_reset', { email: person.email })
  await stale
  const resetToken = await post.tokenFor(person.email)
  const answer = await api.rpc(
    'change_email',
    { password: person.password, new_email: 'moved@example.com' },
    person.token,
  )
  expect([answer.status, answer.body]).toEqual([202, { status: 'mail_queued' }])
  const token = await post.tokenFor('moved@example.com')
  expect((await post.mails.mailFor(person.email, 2)).message.subject).toMatch(/about to change/)
  expect((await signIn(person.email)).status).toBe(200)
  expect((await verify(token)).status).toBe(204)
  expect((await securityEvents(person.id)).at(-1)).toBe('email_changed')
  expect((await signIn(person.email)).status).toBe(401)
  expect((await signIn('moved@example.com')).status).toBe(200)
  expect((await post.mails.mailFor(person.email, 3)).message.subject).toMatch(/was changed/)
  // A link that was mailed to the old mailbox opens nothing any more.
  const reset = await api.rpc('reset_password', { token: resetToken, new_password: 'taken back again' })
  expect(reset.body.message).toBe('link_invalid')
})

test('changing to a taken address answers the same and tells its owner; none moves', async () => {
  const [person, owner] = [await signUp(api), await signUp(api)]
  const answer = await api.rpc(
    'change_email',
    { password: person.password, new_email: owner.email },
    person.token,
  )
  expect([answer.status, answer.body]).toEqual([202, { status: 'mail_queued' }])
  const mail = await post.mails.mailFor(owner.email)
  expect(mail.message.subject).toMatch(/^You have an account/)
  expect(mail.message.text).not.toMatch(/#token=/)
})

test('an address taken while the link was on its way stays with its owner (email_taken)', async () => {
  const person = await signUp(api)
  await api.rpc('change_email', { password: person.password, new_email: 'late@example.com' }, person.token)
  const token = await post.tokenFor('late@example.com')
  await signUp(api, { email: 'late@example.com' })
  const answer = await verify(token)
  expect([answer.status, answer.body.message]).toEqual([409, 'email_taken'])
})
