/** Limits, redirects, compression and conditional requests against a real server (F-12, F-13). */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseFetchAllow } from '../../../worker/outgoing/fetch-allow.ts'
import { type FetchOptions, guardedFetch } from '../../../worker/outgoing/guarded-fetch.ts'
import { retryAfterSeconds } from '../../../worker/outgoing/retry-after.ts'
import { startWebServer, type WebServer } from '../support/web-server.ts'

const BODY = '<rss version="2.0"><channel><title>T</title></channel></rss>'
const MEGABYTE = 1024 * 1024

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

/** What the server does at each path. */
const ANSWERS: Record<string, Answer> = {
  '/ok': (_, response) => response.end(BODY),
  '/gzip': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(BODY)),
  '/br': (_, response) => response.writeHead(200, { 'content-encoding': 'br' }).end(brotliCompressSync(BODY)),
  '/deflate': (_, response) =>
    response.writeHead(200, { 'content-encoding': 'deflate' }).end(deflateSync(BODY)),
  '/deflate-raw': (_, response) =>
    response.writeHead(200, { 'content-encoding': 'deflate' }).end(deflateRawSync(BODY)),
  '/broken-gzip': (_, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip at all'),
  '/zstd': (_, response) => response.writeHead(200, { 'content-encoding': 'zstd' }).end('x'),
  '/large': (_, response) => response.end(Buffer.alloc(6 * MEGABYTE, 'x')),
  '/large-chunked': (_, response) => pour(response, Buffer.alloc(MEGABYTE, 'x'), 50),
  '/lying-length': (_, response) => response.writeHead(200, { 'content-length': 6 * MEGABYTE }).write('x'),
  '/status-404': (_, response) => response.writeHead(404).end(),
  '/status-500': (_, response) => response.writeHead(500).end(),
  '/status-304': (_, response) => response.writeHead(304).end(),
  '/wait': (_, response) => response.writeHead(429, { 'retry-after': '120' }).end(),
  '/silent': () => undefined,
  '/drip': (_, response) => drip(response),
  '/reset': (_, response) => response.socket?.destroy(),
  '/cut': (_, response) => {
    response.writeHead(200, { 'content-length': 1000 }).write('<rss>')
    setTimeout(() => response.socket?.destroy(), 20)
  },
  '/cookie': (_, response) =>
    response.writeHead(302, { location: '/headers', 'set-cookie': 'a=1', etag: '"inner"' }).end(),
  '/headers': (request, response) => response.end(JSON.stringify(request.headers)),
  '/loop': (_, response) => response.writeHead(302, { location: '/loop' }).end(),
  '/hop/3': (_, response) => response.writeHead(301, { location: '/hop/2' }).end(),
  '/hop/2': (_, response) => response.writeHead(308, { location: 'hop/../1' }).end(),
  '/hop/1': (_, response) => response.writeHead(302, { location: '/ok' }).end(),
  '/1': (_, response) => response.writeHead(307, { location: '/ok' }).end(),
  '/umlaut': (_, response) => response.writeHead(301, { location: latin1('/straße?q=ä') }).end(),
  '/stra%C3%9Fe?q=%C3%A4': (_, response) => response.end(BODY),
  '/to-file': (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/conditional': (request, response) => {
    const isKnown = request.headers['if-none-match'] === '"v1"'
    response.writeHead(isKnown ? 304 : 200, {
      etag: '"v1"',
      'last-modified': 'Tue, 03 Jun 2025 10:00:00 GMT',
    })
    response.end(isKnown ? undefined : BODY)
  },
}

for (const [name, compress] of Object.entries({
  gzip: gzipSync,
  br: brotliCompressSync,
  deflate: deflateSync,
})) {
  const bomb = compress(Buffer.alloc(64 * MEGABYTE))
  ANSWERS[`/bomb-${name}`] = (_, response) => response.writeHead(200, { 'content-encoding': name }).end(bomb)
}

let server: WebServer

beforeAll(async () => {
  server = await startWebServer((request, response) => {
    const answer = ANSWERS[request.url ?? '']
    if (answer) answer(request, response)
    else response.writeHead(404).end()
  })
})
afterAll(() => server[Symbol.asyncDispose]())

function get(path: string, options: Partial<FetchOptions> = {}) {
  const allow = parseFetchAllow(`127.0.0.1:${server.port}`)
  return guardedFetch(server.url + path, { allow, accept: '*/*', ...options })
}

async function bodyOf(path: string): Promise<string> {
  const result = await get(path)
  return result.status === 'ok' ? Buffer.from(result.bytes).toString() : result.status
}

async function errorOf(path: string, options: Partial<FetchOptions> = {}) {
  return await get(path, options).then(
    () => expect.unreachable(`${path} was answered`),
    (error) => error,
  )
}

test.each(['/ok', '/gzip', '/br', '/deflate', '/deflate-raw'])('reads %s', async (path) => {
  expect(await bodyOf(path)).toBe(BODY)
})

test.each([
  ['/large', 'feed_too_large'],
  ['/large-chunked', 'feed_too_large'],
  ['/lying-length', 'feed_too_large'],
  ['/bomb-gzip', 'feed_too_large'],
  ['/bomb-br', 'feed_too_large'],
  ['/bomb-deflate', 'feed_too_large'],
  ['/broken-gzip', 'feed_malformed'],
  ['/zstd', 'feed_malformed'],
  ['/status-404', 'feed_http_status'],
  ['/status-500', 'feed_http_status'],
  ['/status-304', 'feed_http_status'],
  ['/reset', 'feed_unreachable'],
  ['/cut', 'feed_unreachable'],
  ['/loop', 'feed_too_many_redirects'],
  ['/to-file', 'feed_url_forbidden'],
])('refuses %s (%s)', async (path, key) => {
  const before = process.memoryUsage().rss
  expect(await errorOf(path)).toMatchObject({ key, hint: expect.stringMatching(/\w+/) })
  expect((process.memoryUsage().rss - before) / MEGABYTE).toBeLessThan(100)
})

test('cuts off a server that never answers (feed_timeout)', async () => {
  expect(await errorOf('/silent', { limits: { idleTimeoutMs: 200 } })).toMatchObject({ key: 'feed_timeout' })
})

test('cuts off a server that sends a byte now and then (feed_timeout)', async () => {
  const started = performance.now()
  const error = await errorOf('/drip', { limits: { totalTimeoutMs: 600, idleTimeoutMs: 400 } })
  expect(error).toMatchObject({ key: 'feed_timeout' })
  expect(performance.now() - started).toBeLessThan(5000)
})

test('cuts off a server that accepts and says nothing of TLS (feed_timeout)', async () => {
  const mute = createServer(() => {})
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  const { port } = mute.address() as { port: number }
  const fetched = guardedFetch(`https://127.0.0.1:${port}/`, {
    allow: parseFetchAllow('127.0.0.1'),
    accept: '*/*',
    limits: { connectTimeoutMs: 1000, totalTimeoutMs: 3000 },
  })
  await expect(fetched).rejects.toMatchObject({ key: 'feed_timeout' })
  mute.close()
})

test('says when nobody listens (feed_unreachable)', async () => {
  const fetched = guardedFetch('http://127.0.0.1:1/', { allow: parseFetchAllow('127.0.0.1'), accept: '*/*' })
  await expect(fetched).rejects.toMatchObject({
    key: 'feed_unreachable',
    message: expect.stringContaining('ECONNREFUSED'),
  })
})

test('hands the caller’s abort through as it is, so that a stopping worker blames no feed', async () => {
  const controller = new AbortController()
  setTimeout(() => controller.abort(new Error('stopping')), 50)
  await expect(get('/silent', { signal: controller.signal })).rejects.toThrow('stopping')
})

test('a good server does not wait for twenty hostile ones', async () => {
  let ended = 0
  const hostile = Array.from({ length: 20 }, (_, number) =>
    errorOf(number % 2 ? '/drip' : '/silent', { limits: { totalTimeoutMs: 1500 } }).then(() => ended++),
  )
  await expect.poll(() => server.connections()).toBeGreaterThanOrEqual(20)
  await get('/gzip')
  expect(ended).toBe(0)
  await Promise.all(hostile)
  expect(ended).toBe(20)
})

describe('redirects', () => {
  test('follows three and reports where the permanent ones lead', async () => {
    expect(await get('/hop/3')).toMatchObject({
      status: 'ok',
      url: `${server.url}/ok`,
      movedTo: `${server.url}/hop/1`,
    })
  })

  test('follows an address with raw UTF-8 in it', async () => {
    expect(await get('/umlaut')).toMatchObject({
      status: 'ok',
      movedTo: `${server.url}/stra%C3%9Fe?q=%C3%A4`,
    })
  })

  test('a temporary redirect moves nothing', async () => {
    expect(await get('/hop/1')).toMatchObject({ status: 'ok', movedTo: null })
  })

  test('carries neither cookies nor authorization, and says who it is', async () => {
    const headers = JSON.parse(await bodyOf('/cookie'))
    expect(headers).not.toHaveProperty('cookie')
    expect(headers).not.toHaveProperty('authorization')
    expect(headers['user-agent']).toMatch(/^Howdah\//)
  })
})

describe('conditional requests', () => {
  test('remembers validators and gets 304 the second time', async () => {
    const first = await get('/conditional')
    expect(first).toMatchObject({ status: 'ok', etag: '"v1"', lastModified: 'Tue, 03 Jun 2025 10:00:00 GMT' })
    expect(await get('/conditional', { etag: '"v1"' })).toMatchObject({ status: 'not_modified' })
  })

  test('never puts a stored validator with line breaks into a header', async () => {
    expect(await get('/conditional', { etag: '"v1"\r\nx: y' })).toMatchObject({ status: 'ok' })
  })

  test('reports how long the server wants to be left alone', async () => {
    expect(await errorOf('/wait')).toMatchObject({ key: 'feed_http_status', retryAfterSeconds: 120 })
  })

  test.each([
    ['120', 120],
    ['Tue, 03 Jun 2025 10:02:00 GMT', 120],
    ['Tue, 03 Jun 2025 09:00:00 GMT', 0],
    ['99999999', 604_800],
    ['soon', undefined],
    [undefined, undefined],
  ])('Retry-After %j is %j seconds', (header, seconds) => {
    expect(retryAfterSeconds(header, new Date('2025-06-03T10:00:00Z'))).toBe(seconds)
  })
})

/** Node writes header strings as latin1, so this puts the text's UTF-8 bytes on the wire. */
function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function drip(response: ServerResponse): void {
  response.writeHead(200)
  const timer = setInterval(() => response.write('x'), 100)
  response.once('close', () => clearInterval(timer))
}

function pour(response: ServerResponse, chunk: Buffer, times: number): void {
  if (times === 0 || response.destroyed) response.end()
  else response.write(chunk, () => pour(response, chunk, times - 1))
}
