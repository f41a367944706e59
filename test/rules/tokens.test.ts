/**
 * tokens that are not exactly ours, signed with our own secret by an independent library. A refused token is
 * refused where anon would be served too: it never falls back to being nobody.
 */
import { type JWTPayload, SignJWT } from 'jose'
import { afterAll, describe, expect, it } from 'vitest'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { signUp } from '../setup/story.ts'

const db = await testDatabase()
const api = await testApi(db)
afterAll(() => db.drop())

const a = await signUp(api)
const b = await signUp(api)
const suspended = await signUp(api)
await db.owner.query(`update core.users set status = 'suspended' where id = $1`, [suspended.id])

const encoder = new TextEncoder()
const KEY = encoder.encode(db.target.secrets.jwt_secret)
const claimsOf = (token: string): JWTPayload =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
const ours = claimsOf(a.token)
const now = () => Math.floor(Date.now() / 1000)

type Header = { alg: string } & Record<string, unknown>

/** Our claims with some changed (undefined takes one away), signed. */
function signed(
  changed: Record<string, unknown>,
  header: Header = { alg: 'HS256' },
  key = KEY,
): Promise<string> {
  const claims = Object.fromEntries(
    Object.entries({ ...ours, ...changed }).filter(([, value]) => value !== undefined),
  )
  return new SignJWT(claims).setProtectedHeader(header).sign(key)
}

/** A token put together by hand, for what no library would make. */
function forged(header: object, claims: object, signature = 'c2lnbmF0dXJl'): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(claims)}.${signature}`
}

/** Statuses that anon's page and a page of users answer with. */
async function answers(token: string): Promise<[number, number]> {
  const [open, own] = await Promise.all([api.get('/topics?limit=1', token), api.rpc('me', {}, token)])
  return [open.status, own.status]
}

const REFUSED: Record<string, () => string | Promise<string>> = {
  'no exp': () => signed({ exp: undefined }),
  'no iat': () => signed({ iat: undefined }),
  'no aud': () => signed({ aud: undefined }),
  'no iss': () => signed({ iss: undefined }),
  'no role': () => signed({ role: undefined }),
  'no role, and nothing else either': () =>
    signed({ role: undefined, sub: undefined, sid: undefined, exp: undefined }),
  'no sub': () => signed({ sub: undefined }),
  'no sid': () => signed({ sid: undefined }),
  'exp 20 seconds ago': () => signed({ iat: now() - 600, exp: now() - 20 }),
  'exp 40 seconds ago': () => signed({ iat: now() - 600, exp: now() - 40 }),
  'exp as a text': () => signed({ exp: String(now() + 600) }),
  'exp in a thousand years': () => signed({ exp: now() + 31_536_000_000 }),
  'exp beyond all instants': () => signed({ exp: 1e300 }),
  'a lifetime of 16 minutes': () => signed({ iat: now(), exp: now() + 960 }),
  'iat in a minute': () => signed({ iat: now() + 60, exp: now() + 600 }),
  'iat as a text': () => signed({ iat: 'now' }),
  'nbf in a minute': () => signed({ nbf: now() + 60 }),
  'another aud': () => signed({ aud: 'another' }),
  'a list of aud with ours': () => signed({ aud: ['another', 'howdah'] }),
  'another iss': () => signed({ iss: 'another' }),
  "somebody else's sub": () => signed({ sub: b.id }),
  "somebody else's session": () => signed({ sid: claimsOf(b.token)['sid'] }),
  'a session nobody has': () => signed({ sid: '00000000-0000-4000-8000-000000000000' }),
  'a sub that is no id': () => signed({ sub: "x' or true --" }),
  'a sub that is a list': () => signed({ sub: [a.id] }),
  'the role of an admin': () => signed({ role: 'howdah_admin' }),
  'the role of anon with claims': () => signed({ role: 'howdah_anon' }),
  'a session that was ended': async () => {
    const { body } = await api.rpc('sign_in', { email: b.email, password: b.password })
    await api.rpc('sign_out', {}, body.access_token)
    return body.access_token
  },
  'a suspended account': () => suspended.token,
  'alg none': () => forged({ alg: 'none' }, ours, ''),
  'alg none, with a signature': () => forged({ alg: 'none' }, ours),
  'HS512 with our key': () => signed({}, { alg: 'HS512' }),
  'an RS256 header over our key': async () => {
    const [, claims, signature] = (await signed({})).split('.')
    return `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${claims}.${signature}`
  },
  'another key': () => signed({}, { alg: 'HS256' }, encoder.encode('another secret of at least 32 bytes!!')),
  'changed claims under an old signature': () => {
    const [header, , signature] = a.token.split('.')
    return `${header}.${Buffer.from(JSON.stringify({ ...ours, role: 'howdah_admin' })).toString('base64url')}.${signature}`
  },
  garbage: () => 'garbage',
  'two dots': () => '..',
  'a refresh token': () => a.refreshToken,
}

describe('a token that is not exactly ours is refused everywhere', () => {
  it.each(Object.entries(REFUSED))('%s', async (_what, make) => {
    expect(await answers(await make())).toEqual([401, 401])
  })

  it('although a complete one is served', async () => {
    expect(await answers(await signed({}))).toEqual([200, 200])
    expect(await answers(a.token)).toEqual([200, 200])
    console.log(`tokens: ${Object.keys(REFUSED).length} variants refused`)
  })

  it('a header naming another key gains nothing', async () => {
    for (const header of [
      { kid: 'unknown' },
      { jku: 'https://example.com/keys' },
      { x5u: 'https://example.com/x' },
    ]) {
      const token = await signed({}, { alg: 'HS256', ...header })
      // Ignored by PostgREST 12, which has one key only; refused since 13.
      expect([
        [200, 200],
        [401, 401],
      ]).toContainEqual(await answers(token))
    }
  })

  it('an empty Bearer is nobody', async () => {
    const [open, own] = await answers('')
    expect([200, 401]).toContain(open)
    expect(own).toBe(401)
  })
})

describe('no role is reached by naming it', () => {
  const ODD: unknown[] = [
    null,
    5,
    true,
    ['howdah_admin'],
    { role: 'howdah_admin' },
    '',
    'none',
    'howdah_user"; reset role; --',
    "x', true)",
  ]

  it('not one of pg_roles, and nothing that is no role', async () => {
    const { rows } = await db.superuser.query<{ name: string }>(
      'select rolname as name from pg_roles order by 1',
    )
    const names = rows.map(({ name }) => name).filter((name) => name !== 'howdah_user')
    expect(names.length).toBeGreaterThan(15)
    const reached: string[] = []
    for (const role of [...names, ...ODD]) {
      const [open, own] = await answers(await signed({ role }))
      if (open < 400 || open >= 500 || own < 400 || own >= 500)
        reached.push(`${JSON.stringify(role)}: ${open}, ${own}`)
    }
    console.log(`roles: ${names.length} of pg_roles and ${ODD.length} odd ones tried`)
    expect(reached).toEqual([])
  })
})
