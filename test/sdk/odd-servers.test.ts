/** Whatever answers, the SDK says what it is, in time, and asks only once (check F-16). */
import type { RequestListener, ServerResponse } from 'node:http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createClient, isApiError, orThrow } from '../../sdk/src/index.ts'
import { oddServer } from './odd-server.ts'

/** Where the time limit is the point. */
const SHORT_MS = 120
/** Where it is not: a busy machine must not reach it. */
const LONG_MS = 10_000
const JSON_TYPE = { 'content-type': 'application/json' }

/** One way to answer, and the key that must come of it. */
type Case = { what: string; answer: RequestListener; key: string; status: number }

const plain =
  (status: number, body: string, headers: Record<string, string> = JSON_TYPE): RequestListener =>
  (_, response) => {
    response.writeHead(status, headers).end(body)
  }

const CASES: Case[] = [
  {
    what: 'HTML with status 200',
    answer: plain(200, '<html>Sign in to Wi-Fi</html>'),
    key: 'bad_response',
    status: 200,
  },
  {
    what: 'HTML with status 502',
    answer: plain(502, '<h1>Bad Gateway</h1>'),
    key: 'bad_response',
    status: 502,
  },
  { what: 'nothing with status 200', answer: plain(200, ''), key: 'bad_response', status: 200 },
  { what: 'nothing with status 500', answer: plain(500, ''), key: 'bad_response', status: 500 },
  { what: 'nothing with status 404', answer: plain(404, ''), key: 'bad_response', status: 404 },
  { what: 'a list with status 404', answer: plain(404, '[]'), key: 'bad_response', status: 404 },
  { what: 'JSON cut off', answer: plain(200, '[{"id":"a"'), key: 'bad_response', status: 200 },
  { what: 'a refusal without words', answer: plain(400, '{}'), key: 'bad_response', status: 400 },
  { what: 'a refusal that is null', answer: plain(401, 'null'), key: 'bad_response', status: 401 },
  {
    what: 'a refusal in HTML with status 401',
    answer: plain(401, '<html>'),
    key: 'bad_response',
    status: 401,
  },
  {
    what: 'a redirect',
    answer: plain(302, '', { location: 'https://example.com/' }),
    key: 'network_error',
    status: 0,
  },
  {
    what: 'a body that breaks off',
    answer: (_, response) => {
      response.writeHead(200, { ...JSON_TYPE, 'content-length': '1000' }).write('[{"id":')
      setImmediate(() => response.destroy())
    },
    key: 'network_error',
    status: 0,
  },
  {
    what: 'a closed connection',
    answer: (request) => request.socket.destroy(),
    key: 'network_error',
    status: 0,
  },
  {
    what: 'bytes that are no HTTP',
    answer: (request) => {
      request.socket.end('\u0000\u0001 220 smtp ready\r\n\r\n')
    },
    key: 'network_error',
    status: 0,
  },
  { what: 'silence', answer: () => {}, key: 'timeout', status: 0 },
  {
    what: 'headers and then silence',
    answer: (_, response) => response.writeHead(200, JSON_TYPE).flushHeaders(),
    key: 'timeout',
    status: 0,
  },
  { what: 'a body that drips for ever', answer: (_, response) => drip(response), key: 'timeout', status: 0 },
  { what: 'a body without end', answer: (_, response) => flood(response), key: 'timeout', status: 0 },
]

function drip(response: ServerResponse): void {
  response.writeHead(200, JSON_TYPE)
  const timer = setInterval(() => response.write(' '), 20)
  response.on('close', () => clearInterval(timer))
}

function flood(response: ServerResponse): void {
  response.writeHead(200, JSON_TYPE)
  const chunk = `"${'x'.repeat(64 * 1024)}",`
  const timer = setInterval(() => response.write(chunk), 5)
  response.on('close', () => clearInterval(timer))
}

describe('a server that answers with', () => {
  it.each(CASES)('$what ($key)', async ({ answer, key, status }) => {
    await using server = await oddServer(answer)
    const timeoutMs = key === 'timeout' ? SHORT_MS : LONG_MS
    const client = createClient({ url: server.url, timeoutMs })
    const calls: (() => PromiseLike<{ data: unknown; error: unknown; status?: number }>)[] = [
      () => client.from('topics').select('slug'),
      () => client.rpc('give_feedback', { card_id: crypto.randomUUID(), kind: 'like' }).single(),
      () => client.auth.signIn({ email: 'ada@example.com', password: 'correct horse battery' }),
      () => client.from('saved_cards').update({ note: null }).eq('id', 'x').select('id'),
    ]
    for (const call of calls) {
      const before = server.requests()
      const startedAt = performance.now()
      const error: unknown = await orThrow(call()).catch((caught: unknown) => caught)
      expect(performance.now() - startedAt).toBeLessThan(timeoutMs + 1_000)
      if (!isApiError(error)) throw new Error(`no ApiError but ${String(error)}`)
      expect(error).toMatchObject({ key, status, hint: expect.stringMatching(/\w/) })
      expect(error.detail.length).toBeLessThan(500)
      expect(server.requests() - before).toBe(1)
    }
  })

  it('something that is no session does not sign in (bad_response)', async () => {
    const bodies = [
      '{}',
      '[]',
      'null',
      '{"access_token":"a"}',
      '{"access_token":"a","refresh_token":"secret-42"}',
    ]
    for (const body of bodies) {
      await using server = await oddServer(plain(200, body))
      const client = createClient({ url: server.url, timeoutMs: LONG_MS })
      const { data, error } = await client.auth.signIn({ email: 'ada@example.com', password: 'x' })
      expect(data).toBeNull()
      expect(error).toMatchObject({ key: 'bad_response', status: 200 })
      expect(error?.message).not.toContain('secret-42')
      expect(await client.auth.getSession()).toBeNull()
    }
  })

  it('any status, type and body ends in data or an ApiError', async () => {
    let next = { status: 200, type: 'application/json', body: '' }
    await using server = await oddServer((_, response) => {
      response.writeHead(next.status, { 'content-type': next.type }).end(next.body)
    })
    const client = createClient({ url: server.url, timeoutMs: LONG_MS })
    const answer = fc.record({
      status: fc.integer({ min: 200, max: 599 }).filter((status) => status < 300 || status > 399),
      type: fc.constantFrom(
        'application/json',
        'text/html',
        'application/octet-stream',
        'text/plain; charset=x',
      ),
      body: fc.oneof(
        fc.json(),
        fc.string({ unit: 'binary' }),
        fc.constantFrom('', '{"message":"__proto__"}', '\u0000'),
      ),
    })
    let data = 0
    let errors = 0
    await fc.assert(
      fc.asyncProperty(answer, async (given) => {
        next = given
        try {
          await orThrow(client.from('topics').select('slug'))
          data++
        } catch (error) {
          if (!isApiError(error)) throw error
          errors++
        }
      }),
      { numRuns: 200 },
    )
    expect(data).toBeGreaterThan(0)
    expect(errors).toBeGreaterThan(0)
  })
})

describe('a request', () => {
  it('ends in time although fetch ignores its signal (timeout)', async () => {
    const client = createClient({
      url: 'http://127.0.0.1:9',
      timeoutMs: 50,
      fetch: () => new Promise(() => {}),
    })
    const error: unknown = await orThrow(client.rpc('health')).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ key: 'timeout', status: 0 })
  })

  it('can be given up (aborted)', async () => {
    await using server = await oddServer(() => {})
    const client = createClient({ url: server.url })
    const giveUp = new AbortController()
    const answer = orThrow(client.rpc('health').abortSignal(giveUp.signal)).catch((caught: unknown) => caught)
    setImmediate(() => giveUp.abort())
    expect(await answer).toMatchObject({ key: 'aborted', status: 0 })
  })

  it('to a closed port says why (network_error)', async () => {
    await using server = await oddServer(() => {})
    const { url } = server
    await server[Symbol.asyncDispose]()
    const error: unknown = await orThrow(createClient({ url }).rpc('health')).catch(
      (caught: unknown) => caught,
    )
    expect(error).toMatchObject({ key: 'network_error', detail: expect.stringMatching(/ECONNREFUSED/) })
  })

  it('of another media type gets its text', async () => {
    await using server = await oddServer(plain(200, 'slug\nspace', { 'content-type': 'text/csv' }))
    const client = createClient({ url: server.url })
    expect(await orThrow(client.from('topics').select('slug').csv())).toBe('slug\nspace')
  })
})
