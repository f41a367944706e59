/** Signing in with an issuer's word: what a token must be, and whose account it opens. */
import { createPublicKey, randomUUID } from 'node:crypto'
import { base64url, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'
import {
  AUDIENCE,
  believe,
  type Claims,
  type Issuer,
  makeIssuer,
  makeKey,
  person,
  publish,
} from './issuer.ts'

let db: TestDatabase
let api: TestApi
let issuer: Issuer
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  issuer = await makeIssuer()
  await believe(db, issuer)
})
afterAll(() => db.drop())

const enter = (token: string | null, nonce?: string) =>
  api.rpc('sign_in_with_identity', { token, ...(nonce !== undefined && { nonce }) })
const now = () => Math.floor(Date.now() / 1000)

test('the first time opens an account without a password, every further time is the same account', async () => {
  const first = await enter(await issuer.token(person('ada')))
  expect(first.status, JSON.stringify(first.body)).toBe(200)
  expect(first.body.user).toMatchObject({ email: 'ada@example.com', display_name: 'ada', locale: 'de' })
  const me = (await api.rpc('me', {}, first.body.access_token)).body[0]
  expect(me.email_verified_at).not.toBeNull()
  const again = await enter(await issuer.token({ ...person('ada'), email: 'moved@example.com' }))
  expect(again.body.user).toMatchObject({ id: first.body.user.id, email: 'ada@example.com' })
  const guess = await api.rpc('sign_in', { email: 'ada@example.com', password: '' })
  expect(guess.body.message).toBe('invalid_credentials')
  const identities = await api.get('/identities', again.body.access_token)
  expect(identities.body).toMatchObject([{ issuer: issuer.issuer, email: 'ada@example.com' }])
})

const WRONG: Record<string, Claims> = {
  'another audience': { aud: 'somebody-else' },
  'no audience': { aud: undefined },
  'an audience that is an object': { aud: { [AUDIENCE]: true } },
  'several audiences and no azp': { aud: [AUDIENCE, 'other'] },
  'made for another application': { aud: [AUDIENCE, 'other'], azp: 'other' },
  expired: { iat: now() - 1200, exp: now() - 1 },
  'no expiry': { exp: undefined },
  'an expiry in words': { exp: '2099-01-01' },
  'an expiry beyond all dates': { exp: 1e300 },
  'from the future': { iat: now() + 300, exp: now() + 900 },
  'two hours old': { iat: now() - 7200, exp: now() + 7200 },
  'not yet valid': { nbf: now() + 300 },
  'a senseless nbf': { nbf: 'soon' },
  'no issue date': { iat: undefined },
  nobody: { sub: undefined },
  'an empty subject': { sub: '' },
  'a subject that is a number': { sub: 12 },
  'a subject of 256 characters': { sub: 'x'.repeat(256) },
  'another issuer': { iss: 'https://evil.example' },
  'no issuer': { iss: undefined },
  'the issuer with a slash more': { iss: 'SLASH' },
}
test.each(Object.entries(WRONG))('refuses %s (identity_token_invalid)', async (name, claims) => {
  const given = claims['iss'] === 'SLASH' ? { iss: `${issuer.issuer}/` } : claims
  const answer = await enter(await issuer.token({ ...person(name.replaceAll(' ', '-')), ...given }))
  expect([answer.status, answer.body.message]).toEqual([401, 'identity_token_invalid'])
})

test('takes a list of audiences with azp, half a minute of clock skew, and email_verified as a text', async () => {
  for (const claims of [
    { aud: [AUDIENCE] },
    { aud: [AUDIENCE, 'other'], azp: AUDIENCE },
    { iat: now() + 30, nbf: now() + 30 },
    { email_verified: 'true' },
  ]) {
    const answer = await enter(await issuer.token({ ...person(randomUUID()), ...claims }))
    expect([claims, answer.status]).toEqual([claims, 200])
  }
})

test('no header talks its way past the key: none, HS256 with the public key, jku, x5u, jwk, other types', async () => {
  const key = issuer.keys[0]
  if (!key) throw new Error('no key')
  const stranger = await makeKey(key.kid)
  const claims = { ...person('mallory'), iss: issuer.issuer, aud: AUDIENCE, iat: now(), exp: now() + 600 }
  const pem = createPublicKey({ key: key.jwk as never, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem',
  })
  const hs256 = (secret: Uint8Array) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: key.kid }).sign(secret)
  const unsigned = new UnsecuredJWT(claims).encode()
  const good = await issuer.token(person('mallory'))
  const [header = '', body = '', signature = ''] = good.split('.')
  const encoded = (value: object) => base64url.encode(JSON.stringify(value))
  const tokens: Record<string, string | null> = {
    none: unsigned,
    'none with a kid': `${encoded({ alg: 'none', kid: key.kid })}.${body}.`,
    'none with the old signature': `${encoded({ alg: 'none', kid: key.kid })}.${body}.${signature}`,
    'HS256 with the PEM': await hs256(new TextEncoder().encode(String(pem))),
    'HS256 with the modulus': await hs256(base64url.decode(key.jwk.n ?? '')),
    'a key of its own in jku': await issuer.token(claims, { jku: 'https://evil.example/jwks' }, stranger),
    'a key of its own in x5u': await issuer.token(claims, { x5u: 'https://evil.example/x5' }, stranger),
    'a key of its own in jwk': await issuer.token(claims, { jwk: stranger.jwk }, stranger),
    'an access token': await issuer.token(person('mallory'), { typ: 'at+jwt' }),
    'a critical extension': `${encoded({ alg: 'RS256', kid: key.kid, crit: ['b64'], b64: false })}.${body}.${signature}`,
    'other claims': `${header}.${encoded({ ...claims, sub: 'subject-ada' })}.${signature}`,
    'a cut signature': good.slice(0, -6),
    'four parts': `${good}.x`,
    'two parts': `${header}.${body}`,
    'claims that are a list': `${header}.${encoded([claims])}.${signature}`,
    'no JSON': `${header}.${base64url.encode('{')}.${signature}`,
    'NUL in the claims': `${header}.${base64url.encode('{"iss":"\\u0000"}')}.${signature}`,
    'a very long one': `${header}.${'A'.repeat(200_000)}.${signature}`,
    'a deep one': `${header}.${base64url.encode('['.repeat(9000))}.${signature}`,
    'an empty one': '',
    nothing: null,
    ümlaute: 'ä.ö.ü',
  }
  for (const [name, token] of Object.entries(tokens)) {
    const answer = await enter(token)
    expect([name, answer.status, answer.body.message]).toEqual([name, 401, 'identity_token_invalid'])
  }
  const { rows } = await db.owner.query(`select from core.identities where subject = 'subject-mallory'`)
  expect(rows).toHaveLength(0)
})

test('a token signs in once, twenty at once or one after the other (identity_token_used)', async () => {
  const token = await issuer.token(person('once'))
  const answers = await Promise.all(Array.from({ length: 20 }, () => enter(token)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(answers.filter(({ body }) => body.message === 'identity_token_used')).toHaveLength(19)
  // The signature written another way is the same token still.
  const last = token.at(-1) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const twin = token.slice(0, -1) + alphabet[alphabet.indexOf(last) ^ 1]
  expect((await enter(twin)).status).toBe(401)
  const accounts = await db.owner.query(`select from core.users where email = 'once@example.com'`)
  expect(accounts.rowCount).toBe(1)
})

test('twenty first sign-ins at once, each with a token of its own, make one account', async () => {
  const tokens = await Promise.all(Array.from({ length: 20 }, () => issuer.token(person('rush'))))
  const answers = await Promise.all(tokens.map((token) => enter(token)))
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  expect(new Set(answers.map(({ body }) => body.user.id)).size).toBe(1)
})

test('a nonce must be the one that was asked with, both ways', async () => {
  const nonce = randomUUID()
  for (const [inToken, sent, status] of [
    [nonce, nonce, 200],
    [nonce, undefined, 401],
    [nonce, 'other', 401],
    [undefined, nonce, 401],
  ] as const) {
    const answer = await enter(await issuer.token({ ...person(randomUUID()), nonce: inToken }), sent)
    expect([inToken, sent, answer.status]).toEqual([inToken, sent, status])
  }
})

test('never joins an account by its address, whoever vouches (identity_not_linked)', async () => {
  const owner = await signUp(api, { email: 'owner@example.com' })
  for (const email of ['owner@example.com', 'OWNER@example.com']) {
    const answer = await enter(await issuer.token({ ...person('thief'), email }))
    expect([answer.status, answer.body.message]).toEqual([409, 'identity_not_linked'])
  }
  const { rows } = await db.owner.query('select from core.identities where user_id = $1', [owner.id])
  expect(rows).toHaveLength(0)
})

test('opens no account under an address that is not proven (identity_email_unproven)', async () => {
  const careless = await makeIssuer()
  await believe(db, careless, false)
  for (const token of [
    await issuer.token({ ...person('unproven'), email_verified: false }),
    await issuer.token({ ...person('unproven'), email_verified: undefined }),
    await issuer.token({ ...person('unproven'), email_verified: 1 }),
    await issuer.token({ ...person('unproven'), email: undefined }),
    await issuer.token({ ...person('unproven'), email: 'not an address' }),
    await careless.token(person('unproven')),
  ]) {
    expect((await enter(token)).body.message).toBe('identity_email_unproven')
  }
})

test('the same subject of another issuer is somebody else', async () => {
  const other = await makeIssuer()
  await believe(db, other)
  const one = await enter(await issuer.token(person('same')))
  const two = await enter(await other.token({ ...person('same'), email: 'same2@example.com' }))
  expect([one.status, two.status]).toEqual([200, 200])
  expect(one.body.user.id).not.toBe(two.body.user.id)
  // A key of one issuer signs nothing for the other.
  const crossed = await issuer.token({ ...person('same'), iss: other.issuer })
  expect((await enter(crossed)).status).toBe(424)
})

test('a suspended account stays out, and a removed issuer is believed no longer', async () => {
  const gone = await makeIssuer()
  await believe(db, gone)
  const answer = await enter(await gone.token(person('suspended')))
  await db.owner.query('select ops.suspend_account($1)', ['suspended@example.com'])
  expect((await enter(await gone.token(person('suspended')))).body.message).toBe('account_suspended')
  expect((await api.rpc('me', {}, answer.body.access_token)).status).toBe(401)
  await db.owner.query('select ops.remove_identity_issuer($1)', [gone.issuer])
  expect((await enter(await gone.token(person('late')))).body.message).toBe('identity_token_invalid')
})

test('keys that cannot verify RS256 are not taken, and an empty set takes none away', async () => {
  const odd = await makeIssuer()
  const good = odd.keys[0]
  if (!good) throw new Error('no key')
  await believe(db, odd)
  const variants = [
    { ...good.jwk, kty: 'oct', k: 'c2VjcmV0' },
    { ...good.jwk, alg: 'RS512' },
    { ...good.jwk, use: 'enc' },
    { ...good.jwk, e: 'Aw' },
    { ...good.jwk, kid: undefined },
    { ...good.jwk, n: base64url.encode(new Uint8Array(128).fill(255)) },
    { ...good.jwk, n: base64url.encode(new Uint8Array(1024).fill(255)) },
    { ...good.jwk, n: '!!' },
  ]
  const store = (keys: object[]) => publish(db, { ...odd, keys: keys.map((jwk) => ({ ...good, jwk })) })
  expect(await store(variants)).toBe(0)
  expect((await enter(await odd.token(person('still')))).status).toBe(200)
  const { rows } = await db.owner.query('select last_error from core.identity_issuers where issuer = $1', [
    odd.issuer,
  ])
  expect(rows[0].last_error).toMatch(/no RSA key/)
  expect(await store([...variants, good.jwk])).toBe(1)
})

test('an expired token is remembered only as long as it could be tried (moved clock)', async () => {
  const token = await issuer.token({ ...person('clock'), exp: now() + 86_400 })
  expect((await enter(token)).status).toBe(200)
  await setClock(db, '59 minutes')
  expect((await enter(token)).body.message).toBe('identity_token_used')
  await setClock(db, '61 minutes')
  expect((await enter(token)).body.message).toBe('identity_token_invalid')
  await setClock(db, '3 hours')
  await db.owner.query('select cleanup_expired_sessions()')
  expect((await db.owner.query('select from private.used_identity_tokens')).rowCount).toBe(0)
  await setClock(db, '0')
})
