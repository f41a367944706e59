/** The real worker fetches an issuer's keys over HTTP: at once, anew when they change, and never from where it should not. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AUDIENCE, type Issuer, makeIssuer, makeKey, person } from '../../db/core/identities/issuer.ts'
import { type TestApi, testApi } from '../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { startWebServer, type WebServer } from '../support/web-server.ts'
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts'

let db: TestDatabase
let api: TestApi
let server: WebServer
let worker: WorkerProcess
let issuer: Issuer
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  issuer = await makeIssuer()
  server = await startWebServer((request, response) => {
    if (request.url === '/moved') return response.writeHead(302, { location: '/jwks' }).end()
    if (request.url === '/html') return response.end('<html>')
    if (request.url === '/huge') return response.end(Buffer.alloc(600 * 1024, 32))
    response.setHeader('content-type', 'application/jwk-set+json')
    response.end(JSON.stringify({ keys: issuer.keys.map(({ jwk }) => jwk) }))
  })
  const allow = { HOWDAH_FETCH_ALLOW: `127.0.0.1:${server.port}` }
  worker = await startWorkerProcess(db.url('howdah_worker'), allow)
})
afterAll(async () => {
  await worker[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await db.drop()
})

const add = (name: string, url: string) =>
  db.owner.query('select ops.add_identity_issuer($1, $2, $3)', [name, [AUDIENCE], url])
const enter = async (who: string, token?: string) =>
  api.rpc('sign_in_with_identity', { token: token ?? (await issuer.token(person(who))) })
/** What became of a fetch, once one was made. */
async function outcome(name: string): Promise<{ last_error: string | null; keys: number }> {
  for (let attempt = 0; attempt < 400; attempt++, await sleep(25)) {
    const { rows } = await db.owner.query(
      `select i.last_error, (select count(*)::int from core.identity_keys as k where k.issuer = i.issuer) as keys
       from core.identity_issuers as i
       where i.issuer = $1 and i.attempted_at is not null and (i.fetched_at is not null or i.last_error is not null)`,
      [name],
    )
    if (rows[0]) return rows[0]
  }
  throw new Error(`No fetch for ${name} within ten seconds.`)
}

test('an issuer that is added can be used a moment later', async () => {
  await add(issuer.issuer, `${server.url}/jwks`)
  expect(await outcome(issuer.issuer)).toEqual({ last_error: null, keys: 1 })
  expect((await enter('ada')).status).toBe(200)
})

test('a new key is fetched when a token first names it, at most once a minute, and the old one is dropped', async () => {
  const old = issuer.keys[0]
  issuer.keys.unshift(await makeKey())
  issuer.keys.length = 1
  // The first fetch is seconds old: made-up names of keys must not have us ask again and again.
  const before = server.requests.length
  for (let n = 0; n < 20; n++) {
    const answer = await enter('ada', await issuer.token(person('ada'), { kid: `made-up-${n}` }))
    expect([answer.status, answer.body.message]).toEqual([424, 'identity_key_unknown'])
    expect(answer.headers.get('retry-after')).toBe('5')
  }
  await sleep(500)
  expect(server.requests.length).toBe(before)

  await db.owner.query(`update core.identity_issuers set attempted_at = now() - interval '2 minutes'`)
  expect((await enter('ada')).status).toBe(424)
  let answer = await enter('ada')
  for (let attempt = 0; attempt < 400 && answer.status === 424; attempt++, await sleep(25)) {
    answer = await enter('ada')
  }
  expect(answer.status).toBe(200)
  expect(server.requests.length).toBe(before + 1)
  expect((await enter('ada', await issuer.token(person('ada'), {}, old))).status).toBe(424)
})

test.each([
  ['/moved', /redirect/],
  ['/html', /no set of keys/],
  ['/huge', /./],
])('%s is no set of keys; the reason is kept', async (path, reason) => {
  await add(`https://issuer.example${path}`, `${server.url}${path}`)
  const { last_error, keys } = await outcome(`https://issuer.example${path}`)
  expect(last_error).toMatch(reason)
  expect(keys).toBe(0)
})

test('an address inside the network that no operator allowed is not fetched', async () => {
  const inner = await startWebServer((_, response) => response.end('{"keys": []}'))
  try {
    await add('https://inner.example', `${inner.url}/jwks`)
    expect((await outcome('https://inner.example')).last_error).toMatch(/\S/)
    expect(inner.connections()).toBe(0)
  } finally {
    await inner[Symbol.asyncDispose]()
  }
})

test.each([
  'http://issuer.example/jwks',
  'ftp://issuer.example/jwks',
  'https://user@issuer.example/jwks',
  'https:///jwks',
])('keys from %s are not believed', async (url) => {
  await expect(add('https://plain.example', url)).rejects.toMatchObject({ constraint: 'jwks_url_is_valid' })
})
