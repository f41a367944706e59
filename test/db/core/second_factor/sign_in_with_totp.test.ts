/** Signing in with a second factor: what a right password is worth, how often a code counts, who may guess how often. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { challengeFor, signUpConfirmed, signUpGuarded } from './authenticator.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())
/** Codes are made by the real clock and read by the moved one: no test may straddle two half minutes. */
beforeEach(async () => {
  await setClock(db, '0')
  const left = 30_000 - (Date.now() % 30_000)
  if (left < 8000) await sleep(left + 50)
})

const withCode = (challenge: object, code: string) => api.rpc('sign_in_with_totp', { ...challenge, code })
const withRecovery = (challenge: object, recovery_code: string) =>
  api.rpc('sign_in_with_recovery_code', { ...challenge, recovery_code })

test('a right password opens no session; the next code does, once', async () => {
  const person = await signUpGuarded(api, db)
  const challenge = await challengeFor(api, person)
  expect((await withCode(challenge, person.app())).body.message, 'used at the enrolment').toBe(
    'second_factor_wrong',
  )
  const answer = await withCode(challenge, person.app(30))
  expect(answer.status).toBe(200)
  expect((await api.rpc('me', {}, answer.body.access_token)).body[0].id).toBe(person.id)
  expect((await withCode(challenge, person.app(30))).body.message).toBe('sign_in_challenge_invalid')
  const again = await challengeFor(api, person)
  for (const ahead of [30, 0, -30]) {
    expect((await withCode(again, person.app(ahead))).body.message, `${ahead} s`).toBe('second_factor_wrong')
  }
})

test('half a minute early or late is forgiven, a whole one is not', async () => {
  for (const [offset, ahead, status] of [
    [120, 120, 200],
    [180, 210, 200],
    [270, 240, 200],
    [330, 390, 403],
    [390, 330, 403],
  ] as const) {
    await setClock(db, '0')
    const person = await signUpGuarded(api, db)
    await setClock(db, `${offset} seconds`)
    const challenge = await challengeFor(api, person)
    expect([offset, ahead, (await withCode(challenge, person.app(ahead))).status]).toEqual([
      offset,
      ahead,
      status,
    ])
  }
  await setClock(db, '0')
})

test('one of twenty simultaneous uses of a code succeeds: one challenge, and twenty challenges', async () => {
  const person = await signUpGuarded(api, db)
  const challenge = await challengeFor(api, person)
  const same = await Promise.all(Array.from({ length: 20 }, () => withCode(challenge, person.app(30))))
  expect(same.filter(({ status }) => status === 200)).toHaveLength(1)

  const other = await signUpGuarded(api, db)
  const challenges = []
  for (let n = 0; n < 9; n++) challenges.push(await challengeFor(api, other))
  const answers = await Promise.all(challenges.map((each) => withCode(each, other.app(30))))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
})

test('one of twenty simultaneous uses of a recovery code succeeds, and it is spent', async () => {
  const person = await signUpGuarded(api, db)
  const code = person.recoveryCodes[0] ?? ''
  const challenges: object[] = []
  for (let n = 0; n < 9; n++) challenges.push(await challengeFor(api, person))
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => withRecovery(challenges[n % 9] ?? {}, code)),
  )
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  const state = await api.rpc('second_factor_state', {}, person.token)
  expect(state.body.recovery_code_count).toBe(9)
  const { rows } = await db.owner.query(
    `select operation, count(*)::int as n from core.audit_log
     where subject_id = $1 and operation in ('recovery_code_used', 'sign_in') group by 1 order by 1`,
    [person.id],
  )
  expect(rows).toEqual([
    { operation: 'recovery_code_used', n: 1 },
    { operation: 'sign_in', n: 2 },
  ])
})

test('a recovery code may be typed in small letters, with blanks or without dashes', async () => {
  const person = await signUpGuarded(api, db)
  const [first = '', second = '', third = ''] = person.recoveryCodes
  for (const typed of [first.toLowerCase(), second.replaceAll('-', ' '), ` ${third.replaceAll('-', '')} `]) {
    expect((await withRecovery(await challengeFor(api, person), typed)).status, typed).toBe(200)
  }
  const spent = await withRecovery(await challengeFor(api, person), first)
  expect(spent.body.message).toBe('second_factor_wrong')
  const state = await api.rpc('second_factor_state', {}, person.token)
  expect(state.body).toMatchObject({ is_enabled: true, recovery_code_count: 7 })
})

test('a challenge takes five codes, an account ten wrong ones in 15 minutes, however many arrive at once', async () => {
  const person = await signUpGuarded(api, db)
  const challenge = await challengeFor(api, person)
  const wrong = await Promise.all(Array.from({ length: 30 }, () => withCode(challenge, '000000')))
  expect(wrong.filter(({ status }) => status === 403)).toHaveLength(5)
  expect(wrong.filter(({ body }) => body.message === 'sign_in_challenge_invalid')).toHaveLength(25)
  const second = await challengeFor(api, person)
  for (let n = 0; n < 5; n++) expect((await withCode(second, '000000')).status).toBe(403)
  const third = await challengeFor(api, person)
  const locked = await withCode(third, person.app(30))
  expect([locked.status, locked.body.message]).toEqual([429, 'too_many_attempts'])
  expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(800)
  // The other door stays open.
  expect((await withRecovery(third, person.recoveryCodes[0] ?? '')).status).toBe(200)
})

test('challenges cannot be piled up: ten passwords in 15 minutes without a code', async () => {
  const person = await signUpGuarded(api, db)
  const credentials = { email: person.email, password: person.password }
  const answers = []
  for (let n = 0; n < 12; n++) answers.push(await api.rpc('sign_in', credentials))
  expect(answers.map(({ status }) => status)).toEqual([...Array(10).fill(202), 429, 429])
})

test('a challenge lives 5 minutes, and neither a guessed secret nor another account opens it', async () => {
  const [person, other] = [await signUpGuarded(api, db), await signUpGuarded(api, db)]
  const challenge = await challengeFor(api, person)
  const stranger = await challengeFor(api, other)
  for (const broken of [
    { ...challenge, challenge_secret: 'A'.repeat(43) },
    { ...challenge, challenge_secret: null },
    { ...challenge, challenge_secret: stranger.challenge_secret },
    { challenge_id: null, challenge_secret: challenge.challenge_secret },
  ]) {
    expect((await withCode(broken, person.app(30))).body.message).toBe('sign_in_challenge_invalid')
  }
  expect((await withCode(challenge, other.app(30))).body.message).toBe('second_factor_wrong')
  expect((await withRecovery(challenge, other.recoveryCodes[0] ?? '')).body.message).toBe(
    'second_factor_wrong',
  )
  await setClock(db, '270 seconds')
  expect((await withCode(challenge, '000000')).body.message).toBe('second_factor_wrong')
  await setClock(db, '301 seconds')
  expect((await withCode(challenge, person.app(300))).body.message).toBe('sign_in_challenge_invalid')
  await db.owner.query('select cleanup_expired_sessions()')
  const { rows } = await db.owner.query('select from private.sign_in_challenges where user_id = $1', [
    person.id,
  ])
  expect(rows).toHaveLength(0)
})

test('a reset password does not go round the second factor, and voids challenges that wait', async () => {
  const person = await signUpGuarded(api, db)
  const challenge = await challengeFor(api, person)
  const { rows } = await db.owner.query(
    `select private.issue_one_time_token('reset_password', $1, null, $2) as token`,
    [person.id, person.email],
  )
  const reset = { token: rows[0].token, new_password: 'an entirely new one' }
  expect((await api.rpc('reset_password', reset)).status).toBe(200)
  expect((await withCode(challenge, person.app(30))).body.message).toBe('sign_in_challenge_invalid')
  const changed = { ...person, password: 'an entirely new one' }
  expect((await withCode(await challengeFor(api, changed), person.app(30))).status).toBe(200)
})

test('a suspended account finishes no sign-in it has begun', async () => {
  const person = await signUpGuarded(api, db)
  const challenge = await challengeFor(api, person)
  await db.owner.query('select ops.suspend_account($1)', [person.email])
  expect((await withCode(challenge, person.app(30))).body.message).toBe('sign_in_challenge_invalid')
})

test('a wrong password tells nothing of a second factor', async () => {
  const [guarded, plain] = [await signUpGuarded(api, db), await signUpConfirmed(api, db)]
  const answers = []
  for (const email of [guarded.email, plain.email, 'nobody@example.com']) {
    answers.push(await api.rpc('sign_in', { email, password: 'a wrong guess' }))
  }
  const seen = answers.map((a) => JSON.stringify([a.status, a.body, [...a.headers.keys()].sort()]))
  expect(new Set(seen).size).toBe(1)
})

test('the database keeps neither challenge secrets nor recovery codes', async () => {
  const person = await signUpGuarded(api, db)
  const { challenge_secret } = await challengeFor(api, person)
  const code = (person.recoveryCodes[0] ?? '').replaceAll('-', '')
  const { rows } = await db.owner.query(
    `select
       (select count(*)::int from private.sign_in_challenges as c where c.secret_hash = sha256($1)) as challenge,
       (select count(*)::int from private.recovery_codes as c where c.code_hash = sha256($2)) as recovery`,
    [Buffer.from(challenge_secret, 'base64url'), Buffer.from(code)],
  )
  expect(rows).toEqual([{ challenge: 1, recovery: 1 }])
})
