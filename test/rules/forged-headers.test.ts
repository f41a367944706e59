/** what a client writes into headers decides nothing. Only the header that our own proxy overwrites is believed. */
import { afterAll, describe, expect, it } from 'vitest'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { signUp } from '../setup/story.ts'

const db = await testDatabase()
const api = await testApi(db)
afterAll(() => db.drop())
const user = await signUp(api)
const admin = await signUp(api)
await db.owner.query(`update core.users set role = 'admin' where id = $1`, [admin.id])

const FORGED: Record<string, string> = {
  'x-forwarded-for': '203.0.113.77',
  'x-real-ip': '203.0.113.77',
  'x-client-ip': '203.0.113.77',
  'true-client-ip': '203.0.113.77',
  'cf-connecting-ip': '203.0.113.77',
  forwarded: 'for=203.0.113.77;host=admin.example.com;proto=https',
  'x-forwarded-host': 'admin.example.com',
  'x-forwarded-proto': 'https',
  'x-user-id': admin.id,
  'x-user': admin.email,
  'x-role': 'howdah_admin',
  role: 'howdah_admin',
  'x-org': admin.id,
  'x-tenant-id': admin.id,
  'x-hasura-role': 'admin',
  'x-hasura-user-id': admin.id,
  'x-original-url': '/rpc/me',
  'x-rewrite-url': '/rpc/me',
  'x-http-method-override': 'DELETE',
  'x-method-override': 'DELETE',
  'x-authenticated-user': admin.email,
  cookie: `role=howdah_admin; sub=${admin.id}; session=${admin.id}`,
  'request.jwt.claims': JSON.stringify({ role: 'howdah_admin', sub: admin.id }),
  'proxy-authorization': 'Basic YWRtaW46YWRtaW4=',
}

const REQUESTS: [method: string, path: string, body?: unknown][] = [
  ['POST', '/rpc/me', {}],
  ['GET', '/users?select=id,email,role&order=id'],
  ['GET', '/sessions?select=user_id'],
  ['GET', '/analytics_daily'],
  ['GET', '/topics?select=slug&order=slug'],
  ['DELETE', '/saved_cards?id=eq.01890000-0000-7000-8000-000000000000'],
  ['PATCH', '/saved_cards', { note: 'x' }],
  ['POST', '/rpc/sign_in', { email: admin.email, password: 'wrong' }],
]

describe.each([
  ['nobody', undefined],
  ['a user', user.token],
])('%s', (_who, token) => {
  it('gets the same answer with each forged header as without', async () => {
    let compared = 0
    const changed: string[] = []
    for (const [method, path, body] of REQUESTS) {
      const plain = await api.request(method, path, { token, body })
      for (const headers of [...Object.entries(FORGED).map(([name, value]) => ({ [name]: value })), FORGED]) {
        // Guesses are counted, so this one is asked for somebody else each time.
        const sent =
          path === '/rpc/sign_in' ? { email: `nobody-${compared}@example.com`, password: 'wrong' } : body
        const { status, body: found } = await api.request(method, path, { token, body: sent, headers })
        compared++
        if (status !== plain.status || JSON.stringify(found) !== JSON.stringify(plain.body))
          changed.push(
            `${method} ${path} with ${Object.keys(headers).join()}: ${status}, not ${plain.status}`,
          )
      }
    }
    console.log(`forged headers: ${compared} requests, ${changed.length} other answers`)
    expect(changed).toEqual([])
  })
})

it('no forged address is recorded; the proxy’s own is, and only from the header that was named', async () => {
  const credentials = { email: user.email, password: user.password }
  const newest = async () => {
    const { rows } = await db.owner.query(
      'select host(client_address) as address from core.sessions where user_id = $1 order by created_at desc, id desc limit 1',
      [user.id],
    )
    return rows[0].address
  }
  await api.request('POST', '/rpc/sign_in', { body: credentials, headers: FORGED })
  expect(await newest()).toBeNull()
  await db.owner.query(`select ops.set_setting('client_address_header', '"x-howdah-client"')`)
  const headers = { ...FORGED, 'x-howdah-client': '198.51.100.20' }
  await api.request('POST', '/rpc/sign_in', { body: credentials, headers })
  expect(await newest()).toBe('198.51.100.20')
  await db.owner.query(`select ops.set_setting('client_address_header', 'null')`)
})

it('another schema is not chosen by a header', async () => {
  for (const profile of ['core', 'private', 'ops', 'gdpr', 'pg_catalog']) {
    const read = await api.request('GET', '/users', {
      token: user.token,
      headers: { 'accept-profile': profile },
    })
    const call = await api.request('POST', '/rpc/secret', {
      token: user.token,
      body: { name: 'jwt_secret' },
      headers: { 'content-profile': profile },
    })
    expect([profile, read.status, call.status]).toEqual([profile, 406, 406])
  }
})
