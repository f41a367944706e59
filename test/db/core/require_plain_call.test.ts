/** A client must not be able to undo what a refusal leaves behind: by wrapping the call so that it fails afterwards. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { signUp } from '../../setup/story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

/** Ways to make something of the answer on the server. The first two fail only for some answers. */
const WRAPPINGS = [
  'select=pgrst_scalar:pgrst_scalar->>message::int',
  'select=pgrst_scalar:pgrst_scalar->>access_token::int',
  'pgrst_scalar->>message=eq.invalid_credentials&select=pgrst_scalar:pgrst_scalar::int',
  'pgrst_scalar->>message=is.null',
  'order=pgrst_scalar->>message',
  'select="x" FROM "pgrst_source") _postgrest_t:pgrst_scalar->>message::int',
  'select=pgrst_scalar:pgrst_scalar->>%27) _postgrest_t%27::int',
]

const wrapped = (name: string, wrapping: string, body: Record<string, unknown>) =>
  api.request('POST', `/rpc/${name}?${wrapping}`, { body })

test.each(WRAPPINGS)('guesses are counted or not evaluated: %s', async (wrapping) => {
  const person = await signUp(api)
  const guess = { email: person.email, password: 'a wrong guess' }
  const right = { email: person.email, password: person.password }
  const answers = [await wrapped('sign_in', wrapping, guess), await wrapped('sign_in', wrapping, right)]
  expect(answers.map((a) => a.status)).toEqual([400, 400])
  expect(answers[0]?.body).toEqual(answers[1]?.body)
  expect(answers[0]?.body.message).not.toMatch(/invalid_credentials|eyJ/)
})

test('a refresh token yields nothing without being traded in', async () => {
  const person = await signUp(api)
  for (const wrapping of WRAPPINGS) {
    const answer = await wrapped('refresh_session', wrapping, { refresh_token: person.refreshToken })
    expect([wrapping, answer.status, JSON.stringify(answer.body).includes('eyJ')]).toEqual([
      wrapping,
      400,
      false,
    ])
  }
  expect((await api.rpc('refresh_session', { refresh_token: person.refreshToken })).status).toBe(200)
})

test('a reused refresh token ends its session, however the call is wrapped', async () => {
  const person = await signUp(api)
  await db.owner.query(
    `update private.refresh_tokens set rotated_at = now() - interval '1 hour', successor_nonce = decode(repeat('00', 32), 'hex')
     where session_id = (select id from core.sessions where user_id = $1)`,
    [person.id],
  )
  const stolen = { refresh_token: person.refreshToken }
  const wrappedAnswer = await wrapped('refresh_session', WRAPPINGS[0] ?? '', stolen)
  expect([wrappedAnswer.status, wrappedAnswer.body.message]).toEqual([400, 'call_not_plain'])
  expect((await api.rpc('refresh_session', stolen)).body.message).toBe('refresh_token_reused')
  expect((await api.get('/sessions', person.token)).body.message).toBe('session_ended')
})

test('many guesses in one call are refused (call_not_plain)', async () => {
  const person = await signUp(api)
  const guesses = Array.from({ length: 5 }, (_, n) => ({
    email: person.email,
    password: `guess ${n} of many`,
  }))
  for (const prefer of ['params=multiple-objects', 'max-affected=0', 'tx=rollback']) {
    const answer = await api.request('POST', '/rpc/sign_in', { body: guesses, headers: { prefer } })
    expect([prefer, answer.status, answer.body.message]).toEqual([prefer, 400, 'call_not_plain'])
  }
})

test('plain calls pass, whatever is asked of their form', async () => {
  const { email, password } = await signUp(api)
  const forms: Record<string, string>[] = [
    {},
    { accept: 'application/vnd.pgrst.object+json' },
    { accept: 'text/csv' },
    { prefer: 'count=exact' },
    { prefer: 'return=minimal' },
  ]
  for (const headers of forms) {
    const answer = await api.request('POST', '/rpc/sign_in', { body: { email, password }, headers })
    expect([headers, answer.status]).toEqual([headers, 200])
  }
  expect((await api.rpc('sign_in', { email, password, device_name: '") _postgrest_t' })).status).toBe(200)
})

test('every function that refuses with an answer begins with core.require_plain_call', async () => {
  const { rows } = await db.owner.query(`
    select p.proname, p.prosrc ~ '^[^;]*\\sbegin\\s+perform core\\.require_plain_call\\(\\);' or
      p.prosrc ~ 'declare.*?\\sbegin\\s+perform core\\.require_plain_call\\(\\);' as begins_plainly
    from pg_proc as p
    where p.pronamespace = 'api'::regnamespace and p.prosrc ~ 'core\\.error_response|private\\.(reauthenticate|take_mail_attempt)'
    order by p.proname`)
  expect(rows.length).toBeGreaterThanOrEqual(3)
  expect(rows.filter((row) => !row.begins_plainly)).toEqual([])
})
