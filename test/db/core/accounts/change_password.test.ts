/** Passwords by mail and by hand: who has to prove what, and who is signed out by it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
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

const signIn = (person: Person, password = person.password) =>
  api.rpc('sign_in', { email: person.email, password })

test('a reset by mail: new password in, old one out, every session ended, the owner told', async () => {
  const person = await signUp(api)
  const second = (await signIn(person)).body
  await api.rpc('request_password_reset', { email: person.email })
  const token = await post.tokenFor(person.email)
  const answer = await api.rpc('reset_password', { token, new_password: 'an entirely new one' })
  expect([answer.status, answer.body]).toEqual([200, { ended_session_count: 2 }])
  for (const { access, refresh } of [
    { access: person.token, refresh: person.refreshToken },
    { access: second.access_token, refresh: second.refresh_token },
  ]) {
    expect((await api.rpc('me', {}, access)).body.message).toBe('session_ended')
    expect((await api.rpc('refresh_session', { refresh_token: refresh })).body.message).toBe('session_ended')
  }
  expect((await signIn(person)).status).toBe(401)
  const session = await signIn(person, 'an entirely new one')
  expect(session.status).toBe(200)
  const me = await api.rpc('me', {}, session.body.access_token)
  expect(me.body[0].email_verified_at, 'the mail has arrived, so the mailbox is proven').not.toBeNull()
  expect((await post.mails.mailFor(person.email, 2)).message.subject).toMatch(/was changed/)
})

test('a change by hand ends the other sessions and keeps this one', async () => {
  const person = await signUp(api)
  const other = (await signIn(person)).body
  const args = { current_password: person.password, new_password: 'an entirely new one' }
  const answer = await api.rpc('change_password', args, person.token)
  expect([answer.status, answer.body]).toEqual([200, { ended_session_count: 1 }])
  expect((await api.rpc('me', {}, person.token)).status).toBe(200)
  expect((await api.rpc('me', {}, other.access_token)).body.message).toBe('session_ended')
  expect((await api.rpc('refresh_session', { refresh_token: other.refresh_token })).status).toBe(401)
})

test('a changed password voids the reset link that is on its way', async () => {
  const person = await signUp(api)
  await api.rpc('request_password_reset', { email: person.email })
  const token = await post.tokenFor(person.email)
  await api.rpc(
    'change_password',
    { current_password: person.password, new_password: 'an entirely new one' },
    person.token,
  )
  const late = await api.rpc('reset_password', { token, new_password: 'of somebody else' })
  expect(late.body.message).toBe('link_invalid')
})

const REAUTHENTICATED: [name: string, args: (password: string | null) => Record<string, unknown>][] = [
  ['change_password', (password) => ({ current_password: password, new_password: 'an entirely new one' })],
  ['change_email', (password) => ({ password, new_email: 'else@example.com' })],
]
test.each(REAUTHENTICATED)('%s needs the password, not only a token (password_wrong)', async (name, args) => {
  const person = await signUp(api)
  for (const wrong of ['wrong wrong wrong', '', null, `${person.password} `]) {
    const answer = await api.rpc(name, args(wrong), person.token)
    expect([answer.status, answer.body.message]).toEqual([403, 'password_wrong'])
  }
  expect((await api.rpc(name, args(person.password))).status, 'nobody signed in').toBe(401)
  expect((await signIn(person)).status).toBe(200)
})

test('guessing the password with a stolen token is counted: 10 of 100 at once are looked at', async () => {
  const person = await signUp(api)
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      api.rpc(
        'change_password',
        { current_password: `guess ${n}`, new_password: 'an entirely new one' },
        person.token,
      ),
    ),
  )
  expect(answers.filter(({ status }) => status === 403)).toHaveLength(10)
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(90)
})

test('500 Unicode passwords verify only as they were sent (A-03)', async () => {
  const pieces = [
    'é',
    'e\u0301',
    'ﬁ',
    '\u212a',
    'ſ',
    'İ',
    '🐘',
    ' ',
    '\u00a0',
    'ß',
    '\u212b',
    'Å',
    '가',
    '\u1100\u1161',
  ]
  const passwords = Array.from(
    { length: 500 },
    (_, n) => `${pieces[n % pieces.length]}${n} pass ${pieces[(n * 7 + 3) % pieces.length]}`,
  )
  const { rows } = await db.owner.query(
    `select count(*) filter (where private.is_password(p.sent, p.hash))::int as as_sent,
       count(*) filter (where private.is_password(p.near, p.hash))::int as nearly
     from (
       select sent, near, private.hash_password(sent) as hash
       from unnest($1::text[], $2::text[]) as given (sent, near)
       offset 0
     ) as p`,
    [passwords, passwords.map(near)],
  )
  expect(rows).toEqual([{ as_sent: 500, nearly: 0 }])
})

/** The same to the eye, other bytes. */
function near(password: string): string {
  const others = [
    password.normalize('NFC'),
    password.normalize('NFD'),
    password.normalize('NFKC'),
    password.trim(),
  ]
  return others.find((other) => other !== password) ?? `${password} `
}
