/** Turning the second factor on, off, and its recovery codes anew: who has to prove what, and who is told. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { openPostOffice, type PostOffice } from '../../../worker/support/post-office.ts'
import {
  authenticator,
  authenticatorOf,
  challengeFor,
  signUpConfirmed,
  signUpGuarded,
} from './authenticator.ts'

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
beforeEach(async () => {
  const left = 30_000 - (Date.now() % 30_000)
  if (left < 8000) await sleep(left + 50)
})

const signIn = (person: Person) => api.rpc('sign_in', { email: person.email, password: person.password })
const start = (person: Person, password = person.password) =>
  api.rpc('start_totp_enrollment', { password }, person.token)
const confirm = (person: Person, code: string) => api.rpc('confirm_totp_enrollment', { code }, person.token)

test('secret and address say the same, with the name of the product and the account', async () => {
  await db.owner.query(`select ops.set_setting('app_name', '"Tom & Jérôme: news"')`)
  const person = await signUpConfirmed(api, db, { email: 'ada+tag@example.com' })
  const { body } = await start(person)
  expect(body.uri).toContain('otpauth://totp/Tom%20%26%20J%C3%A9r%C3%B4me%3A%20news:ada%2Btag%40example.com?')
  const theirs = new URL(body.uri).searchParams
  expect([theirs.get('issuer'), theirs.get('secret')]).toEqual(['Tom & Jérôme: news', body.secret])
  expect(authenticator(body.uri)()).toBe(authenticatorOf(body.secret)())
  await db.owner.query(`select ops.set_setting('app_name', '"Howdah"')`)
})

test('nobody locks the owner of another address out: it has to be confirmed first (email_not_verified)', async () => {
  const stranger = await signUp(api)
  const refused = await start(stranger)
  expect([refused.status, refused.body.message]).toEqual([403, 'email_not_verified'])
  expect((await api.rpc('second_factor_state', {}, stranger.token)).body.is_enabled).toBe(false)
})

test('nothing is asked for before the app has shown a code; then other sessions end and the owner is told', async () => {
  const person = await signUpConfirmed(api, db)
  const other = (await signIn(person)).body
  const started = await start(person)
  expect((await signIn(person)).status).toBe(200)
  for (const wrong of ['000000', '', 'x', '1234567', null]) {
    const refused = await api.rpc('confirm_totp_enrollment', { code: wrong }, person.token)
    expect([refused.status, refused.body.message]).toEqual([403, 'second_factor_wrong'])
  }
  const confirmed = await confirm(person, authenticator(started.body.uri)())
  expect(confirmed.body.ended_session_count).toBe(2)
  expect(new Set(confirmed.body.recovery_codes).size).toBe(10)
  expect((await api.rpc('me', {}, other.access_token)).body.message).toBe('session_ended')
  expect((await api.rpc('me', {}, person.token)).status).toBe(200)
  expect((await signIn(person)).status).toBe(202)
  expect((await post.mails.mailFor(person.email)).message.subject).toMatch(/Two-step sign-in at Howdah is on/)
  expect((await start(person)).body.message).toBe('totp_already_enabled')
  expect((await confirm(person, '000000')).body.message).toBe('totp_not_started')
})

test('starting needs the password (password_wrong), and a session (not_signed_in)', async () => {
  const person = await signUpConfirmed(api, db)
  expect((await start(person, 'wrong wrong wrong')).body.message).toBe('password_wrong')
  expect((await api.rpc('start_totp_enrollment', { password: person.password })).status).toBe(401)
})

test.each(['disable_totp', 'regenerate_recovery_codes'])('%s needs password and code', async (name) => {
  const person = await signUpGuarded(api, db)
  const call = (password: string, code: string | null) => api.rpc(name, { password, code }, person.token)
  expect((await call('wrong wrong wrong', person.app(30))).body.message).toBe('password_wrong')
  for (const wrong of ['000000', '', null, person.app()]) {
    expect((await call(person.password, wrong)).body.message, `${wrong}`).toBe('second_factor_wrong')
  }
  const right = await call(person.password, person.app(30))
  expect(right.status, JSON.stringify(right.body)).toBe(200)
})

test('guessing codes with a stolen session and password is counted: 10 of 40 at once are looked at', async () => {
  const person = await signUpGuarded(api, db)
  const answers = await Promise.all(
    Array.from({ length: 40 }, () =>
      api.rpc('disable_totp', { password: person.password, code: '000000' }, person.token),
    ),
  )
  expect(answers.filter(({ body }) => body.message === 'second_factor_wrong')).toHaveLength(10)
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(30)
})

test('off means off: codes, recovery codes and waiting challenges are gone, the password is enough', async () => {
  const person = await signUpGuarded(api, db)
  const challenge = await challengeFor(api, person)
  const [code = '', other = ''] = person.recoveryCodes
  const answer = await api.rpc('disable_totp', { password: person.password, code }, person.token)
  expect(answer.status).toBe(200)
  const late = await api.rpc('sign_in_with_recovery_code', { ...challenge, recovery_code: other })
  expect(late.body.message).toBe('sign_in_challenge_invalid')
  expect((await signIn(person)).status).toBe(200)
  const again = await api.rpc('disable_totp', { password: person.password, code }, person.token)
  expect(again.body.message).toBe('totp_not_enabled')
  const state = await api.rpc('second_factor_state', {}, person.token)
  expect(state.body).toEqual({ is_enabled: false, enabled_at: null, recovery_code_count: 0 })
  const subjects = []
  for (const n of [1, 2, 3]) subjects.push((await post.mails.mailFor(person.email, n)).message.subject)
  expect(subjects.sort()).toEqual([
    'A recovery code was used at Howdah',
    'Two-step sign-in at Howdah is off',
    'Two-step sign-in at Howdah is on',
  ])
})

test('new recovery codes void the old ones', async () => {
  const person = await signUpGuarded(api, db)
  const args = { password: person.password, code: person.recoveryCodes[0] }
  const fresh = await api.rpc('regenerate_recovery_codes', args, person.token)
  expect(fresh.body.recovery_codes).toHaveLength(10)
  const challenge = await challengeFor(api, person)
  const use = (recovery_code: string) =>
    api.rpc('sign_in_with_recovery_code', { ...challenge, recovery_code })
  expect((await use(person.recoveryCodes[1] ?? '')).body.message).toBe('second_factor_wrong')
  expect((await use(fresh.body.recovery_codes[0])).status).toBe(200)
})

test('an operator lets somebody in who has lost phone and codes', async () => {
  const person = await signUpGuarded(api, db)
  const remove = `select ops.remove_second_factor($1) as removed`
  expect((await db.owner.query(remove, [person.email])).rows).toEqual([{ removed: true }])
  expect((await db.owner.query(remove, [person.email])).rows).toEqual([{ removed: false }])
  expect((await signIn(person)).status).toBe(200)
})

test('what happened is in the audit log, and no secret with it', async () => {
  const person = await signUpGuarded(api, db)
  await api.rpc('disable_totp', { password: person.password, code: person.recoveryCodes[0] }, person.token)
  const { rows } = await db.owner.query(
    `select operation, new_values::text as details from core.audit_log
     where subject_id = $1 and kind = 'security' order by id`,
    [person.id],
  )
  expect(rows.map(({ operation }) => operation)).toEqual([
    'sign_up',
    'sign_in',
    'totp_enabled',
    'recovery_code_used',
    'totp_disabled',
  ])
  for (const { details } of rows) expect(details).not.toContain((person.recoveryCodes[0] ?? '').slice(0, 9))
})

// Last: moving the clock cuts the worker's connections.
test('a second start makes the first secret worthless, and a start waits 15 minutes', async () => {
  const person = await signUpConfirmed(api, db)
  const first = authenticator((await start(person)).body.uri)
  const second = authenticator((await start(person)).body.uri)
  expect((await confirm(person, first())).body.message).toBe('second_factor_wrong')
  await setClock(db, '15 minutes 30 seconds')
  expect((await confirm(person, second(930))).body.message).toBe('totp_not_started')
  await db.owner.query('select cleanup_expired_sessions()')
  const { rows } = await db.owner.query('select from private.totp_factors where user_id = $1', [person.id])
  expect(rows).toHaveLength(0)
  await setClock(db, '0')
})
