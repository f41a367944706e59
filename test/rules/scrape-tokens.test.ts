/** A scrape token opens GET /rpc/metrics and nothing else: no view, no function, no method, no other spelling, no variant. */
import { type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestApi, testApi } from '../setup/api.ts'
import { setClock } from '../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../setup/database.ts'
import { signUp } from '../setup/story.ts'
import { rolledBack } from './catalog/rolled-back.ts'
import { surfacesOf } from './matrix/surfaces.ts'

let db: TestDatabase
let api: TestApi
let token: string
let claims: JWTPayload

beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  token = await made('prometheus')
  claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
})
afterAll(() => db.drop())

async function made(name: string, days = 365): Promise<string> {
  const { rows } = await db.owner.query('select ops.create_scrape_token($1, $2) as token', [name, days])
  return rows[0].token
}
const scrape = (given: string) => api.get('/rpc/metrics', given)
const signed = (changed: Record<string, unknown>) =>
  new SignJWT(
    Object.fromEntries(Object.entries({ ...claims, ...changed }).filter(([, value]) => value !== undefined)),
  )
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(db.target.secrets.jwt_secret))

describe('a scrape token', () => {
  it('reads the metrics', async () => {
    const { status, body, headers } = await scrape(token)
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    expect(body).toMatch(/^howdah_connections_used_ratio 0\.\d+$/m)
  })

  it('opens nothing else that the API has, by any method', async () => {
    const { views, functions } = await rolledBack(db, surfacesOf)
    const paths = [
      '/',
      '/live',
      ...views.map(({ name }) => `/${name}?limit=1`),
      ...functions.map(({ name }) => `/rpc/${name}`),
      '/rpc/metrics/',
      '/rpc//metrics',
      '//rpc/metrics',
      '/rpc/metrics2',
      '/rpc/Metrics',
      '/rpc/%6Detrics/../me',
      '/rpc/me?x=/rpc/metrics',
      '/topics/rpc/metrics',
    ]
    let tried = 0
    const open: string[] = []
    for (const path of paths) {
      for (const method of ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE']) {
        if (method === 'GET' && path === '/rpc/metrics') continue
        const { status } = await api.request(method, path, {
          token,
          ...(['POST', 'PATCH', 'PUT'].includes(method) ? { body: {} } : {}),
          // What another schema or a spoofed path would be asked with.
          headers: {
            'Accept-Profile': 'api',
            'X-Original-URI': '/rpc/metrics',
            'X-Forwarded-Path': '/rpc/metrics',
          },
        })
        tried++
        if (status < 400 || status >= 500) open.push(`${method} ${path}: ${status}`)
      }
    }
    console.log(`scrape token: ${tried} requests to ${paths.length} paths refused`)
    expect(open).toEqual([])
  })

  it('has a role that reads no table, enters no session of its own, and may call two functions', async () => {
    const { rows } = await db.superuser.query(`
      select format('%s.%s', n.nspname, p.proname) as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and n.nspname <> 'extensions'
        and has_function_privilege('howdah_metrics', p.oid, 'execute') and has_schema_privilege('howdah_metrics', n.oid, 'usage')
      union all
      select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and n.nspname <> 'extensions'
        and has_any_column_privilege('howdah_metrics', c.oid, 'select, insert, update')
      union all
      select rolname || ' logs in' from pg_roles where rolname = 'howdah_metrics' and rolcanlogin
      union all
      select rolname from pg_roles where rolname <> 'howdah_metrics' and pg_has_role('howdah_metrics', oid, 'member')
      order by 1`)
    expect(rows.map(({ name }) => name)).toEqual(['api.metrics', 'core.check_request'])
  })

  it('is refused when it is not exactly ours, expired or revoked', async () => {
    const now = Math.floor(Date.now() / 1000)
    const refused: Record<string, Record<string, unknown>> = {
      'no exp': { exp: undefined },
      'no aud': { aud: undefined },
      'no iss': { iss: undefined },
      'no jti': { jti: undefined },
      'a jti nobody has': { jti: '00000000-0000-4000-8000-000000000000' },
      'a jti that is no id': { jti: "x' or true --" },
      'another aud': { aud: 'another' },
      'a sub besides': { sub: '00000000-0000-4000-8000-000000000000' },
      'expired a second ago': { exp: now - 1 },
      'expired a minute ago': { exp: now - 60 },
      'a text for exp': { exp: String(now + 60) },
    }
    for (const [what, changed] of Object.entries(refused))
      expect([what, (await scrape(await signed(changed))).status]).toEqual([what, 401])
    expect((await scrape(await signed({}))).status).toBe(200)
    // Its id makes no user or admin of it.
    for (const role of ['howdah_user', 'howdah_admin', 'howdah_anon', 'howdah_migrations'])
      for (const path of ['/rpc/metrics', '/topics?limit=1'])
        expect((await api.get(path, await signed({ role }))).status).toBeGreaterThanOrEqual(400)

    const [other, short] = [await made('other'), await made('short', 1)]
    expect((await scrape(other)).status).toBe(200)
    const { rows } = await db.owner.query(`select ops.revoke_scrape_token('other') as n`)
    expect(rows).toEqual([{ n: 1 }])
    expect((await scrape(other)).body).toMatchObject({ message: 'session_ended' })
    expect((await scrape(token)).status).toBe(200)
    await setClock(db, '25 hours')
    expect((await scrape(short)).status).toBe(401)
    expect((await scrape(token)).status).toBe(200)
    await setClock(db, '0')
  })

  it('is not made without a name or for ever', async () => {
    for (const [name, days] of [
      ['', 1],
      ['a', 0],
      ['a', 3651],
      ['a', null],
      [null, 1],
    ])
      await expect(db.owner.query('select ops.create_scrape_token($1, $2)', [name, days])).rejects.toThrow(
        'scrape_token_invalid',
      )
  })
})

describe('the metrics', () => {
  it('are for admins too, and for nobody else', async () => {
    const user = await signUp(api)
    const admin = await signUp(api)
    await db.owner.query(`update core.users set role = 'admin' where id = $1`, [admin.id])
    const { body } = await api.rpc('sign_in', { email: admin.email, password: admin.password })
    const asked = await Promise.all([
      api.get('/rpc/metrics', body.access_token),
      api.get('/rpc/metrics', user.token),
      api.get('/rpc/metrics'),
    ])
    expect(asked.map(({ status }) => status)).toEqual([200, 403, 401])
  })
})

it('a scrape token ends with the key that signed it, and not before', async () => {
  const last = await made('last')
  await db.owner.query(`select private.tell_jwt_secret(repeat('another key ', 4))`)
  await api.restart()
  expect((await scrape(last)).status).toBe(200)
  await db.owner.query(`delete from private.secrets where name = 'jwt_secret_previous'`)
  await api.restart()
  expect((await scrape(last)).status).toBe(401)
  expect((await scrape(await made('new'))).status).toBe(200)
})
