/** FCM and APNs against loopback servers that answer as documented. Nobody has tried the real ones from here. */
import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto'
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { decodeProtectedHeader, importSPKI, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseFetchAllow } from '../../../worker/outgoing/fetch-allow.ts'
import { guardedPost } from '../../../worker/outgoing/guarded-post.ts'
import { type Http2Post, http2Post } from '../../../worker/outgoing/http2-post.ts'
import { apnsConnector, apnsTokens } from '../../../worker/push/apns.ts'
import { fcmConnector } from '../../../worker/push/fcm.ts'
import { googleTokens } from '../../../worker/push/google-token.ts'
import { type PushConnector, sendThrough } from '../../../worker/push/push-connector.ts'
import type { QueuedDelivery } from '../../../worker/push/queued-delivery.ts'
import { testCertificate } from '../support/test-certificate.ts'

const google = asPem(generateKeyPairSync('rsa', { modulusLength: 2048 }))
const apple = asPem(generateKeyPairSync('ec', { namedCurve: 'P-256' }))

type Said = { status: number; headers?: Record<string, string>; body?: string }
type Asked = { path: string; headers: Record<string, unknown>; body: string }

let says: Said | 'refuse the stream' | 'hang'
let asked: Asked[]
let tokenRequests: string[]
let closers: (() => void)[]
let fcm: PushConnector
let apns: PushConnector
let overHttp2: Http2Post
let apple2: Http2SecureServer
const sessions = new Set<{ destroy(): void }>()

beforeAll(async () => {
  const { key, cert } = await testCertificate()
  setDefaultCACertificates([...getCACertificates('default'), cert])
  const server = createServer({ key, cert }, async (request, response) => {
    const body = await text(request)
    if (request.url === '/token') {
      tokenRequests.push(body)
      response.end(JSON.stringify({ access_token: `access-${tokenRequests.length}`, expires_in: 3600 }))
    } else if (typeof says === 'object') {
      asked.push({ path: request.url ?? '', headers: request.headers, body })
      response.writeHead(says.status, says.headers).end(says.body)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  apple2 = createSecureServer({ key, cert })
  apple2.on('stream', async (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined)
    if (says === 'refuse the stream') return stream.close(7)
    asked.push({ path: headers[':path'] ?? '', headers, body: await text(stream) })
    if (typeof says !== 'object') return
    stream.respond({ ':status': says.status, ...says.headers })
    stream.end(says.body ?? '')
  })
  apple2.on('session', (session) => sessions.add(session))
  await new Promise<void>((resolve) => apple2.listen(0, '127.0.0.1', resolve))
  const portOf = (one: { address(): unknown }) => (one.address() as AddressInfo).port
  const fcmUrl = `https://127.0.0.1:${portOf(server)}`
  const apnsUrl = `https://127.0.0.1:${portOf(apple2)}`
  const post = guardedPost({ allow: parseFetchAllow('127.0.0.1'), limits: { totalTimeoutMs: 1500 } })
  const account = {
    project_id: 'a-project',
    client_email: 'push@a-project.example',
    private_key: google.privateKey,
    token_uri: `${fcmUrl}/token`,
  }
  tokenRequests = []
  fcm = fcmConnector({ projectId: 'a-project', tokens: googleTokens(account, post), post, baseUrl: fcmUrl })
  overHttp2 = http2Post(apnsUrl, { totalTimeoutMs: 1500 })
  const tokens = apnsTokens({ privateKey: apple.privateKey, keyId: 'KEY1234567', teamId: 'TEAM123456' })
  apns = apnsConnector({ topic: 'com.example.app', tokens, post: overHttp2.post, baseUrl: apnsUrl })
  closers = [
    () => overHttp2[Symbol.dispose](),
    () => server.closeAllConnections(),
    () => server.close(),
    () => sessions.forEach((session) => void session.destroy()),
    () => apple2.close(),
  ]
})
afterAll(() => {
  for (const close of closers) close()
})
beforeEach(() => {
  asked = []
})

const delivery = (platform: 'ios' | 'android'): QueuedDelivery => ({
  platform,
  token: platform === 'ios' ? 'ab'.repeat(32) : 'device:APA91b-token',
  message: {
    id: '01a1f969-4caf-79a0-947f-4699e4dd5bb0',
    kind: 'security',
    title: 'Hello',
    body: 'You',
    data: { a: 1 },
  },
  is_urgent: true,
  collapse_key: 'one',
  ttl_seconds: 3600,
})
const send = (platform: 'ios' | 'android') =>
  sendThrough(platform === 'ios' ? apns : fcm, delivery(platform), new AbortController().signal)
const fcmError = (code: number, status: string, errorCode?: string) =>
  JSON.stringify({
    error: {
      code,
      status,
      message: 'why',
      details: errorCode
        ? [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode }]
        : undefined,
    },
  })

describe('FCM', () => {
  test('gets the message with a token that a signed assertion was traded for, once', async () => {
    says = { status: 200, body: '{"name": "projects/a-project/messages/0:1"}' }
    expect([await send('android'), await send('android')]).toEqual([{ outcome: 'sent' }, { outcome: 'sent' }])
    expect(tokenRequests).toHaveLength(1)
    const form = new URLSearchParams(tokenRequests[0])
    const { payload } = await jwtVerify(
      form.get('assertion') ?? '',
      await importSPKI(google.publicKey, 'RS256'),
    )
    expect(payload).toMatchObject({
      iss: 'push@a-project.example',
      scope: 'https://www.googleapis.com/auth/firebase.messaging',
    })
    expect(asked[0]).toMatchObject({
      path: '/v1/projects/a-project/messages:send',
      headers: { authorization: 'Bearer access-1', 'content-type': 'application/json' },
    })
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      message: {
        token: 'device:APA91b-token',
        notification: { title: 'Hello', body: 'You' },
        data: { id: '01a1f969-4caf-79a0-947f-4699e4dd5bb0', kind: 'security', data: '{"a":1}' },
        android: { priority: 'HIGH', ttl: '3600s', collapse_key: 'one' },
      },
    })
  })

  test.each<[string, Said | 'hang', Record<string, unknown>]>([
    ['UNREGISTERED', { status: 404, body: fcmError(404, 'NOT_FOUND', 'UNREGISTERED') }, { outcome: 'gone' }],
    [
      'another 404: the project is wrong, not the device',
      { status: 404, body: fcmError(404, 'NOT_FOUND') },
      { outcome: 'failed' },
    ],
    [
      'SENDER_ID_MISMATCH',
      { status: 403, body: fcmError(403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH') },
      { outcome: 'invalid' },
    ],
    [
      'INVALID_ARGUMENT',
      { status: 400, body: fcmError(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT') },
      { outcome: 'failed' },
    ],
    [
      'QUOTA_EXCEEDED',
      {
        status: 429,
        headers: { 'retry-after': '90' },
        body: fcmError(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'),
      },
      { outcome: 'later', retryAfterSeconds: 90 },
    ],
    [
      'UNAVAILABLE',
      { status: 503, headers: { 'retry-after': '7' }, body: fcmError(503, 'UNAVAILABLE', 'UNAVAILABLE') },
      { outcome: 'later', retryAfterSeconds: 7 },
    ],
    ['INTERNAL', { status: 500, body: fcmError(500, 'INTERNAL', 'INTERNAL') }, { outcome: 'unknown' }],
    ['200 with an error in it', { status: 200, body: fcmError(500, 'INTERNAL') }, { outcome: 'unknown' }],
    ['502 of something in between', { status: 502, body: '<html>' }, { outcome: 'unknown' }],
    ['silence', 'hang', { outcome: 'unknown' }],
  ])('that says %s', async (_, said, expected) => {
    says = said
    expect(await send('android')).toMatchObject(expected)
  })

  test('that refuses the access token gets another one at the next try', async () => {
    const before = tokenRequests.length
    says = { status: 401, body: fcmError(401, 'UNAUTHENTICATED') }
    expect(await send('android')).toMatchObject({ outcome: 'later' })
    says = { status: 200, body: '{"name": "projects/a-project/messages/0:2"}' }
    expect(await send('android')).toEqual({ outcome: 'sent' })
    expect(tokenRequests).toHaveLength(before + 1)
  })
})

describe('APNs', () => {
  test('gets the message over HTTP/2 with a signed token, all over one connection', async () => {
    let connections = 0
    apple2.on('session', () => connections++)
    says = { status: 200 }
    expect([await send('ios'), await send('ios')]).toEqual([{ outcome: 'sent' }, { outcome: 'sent' }])
    expect(connections).toBe(1)
    expect(asked[0]).toMatchObject({
      path: `/3/device/${'ab'.repeat(32)}`,
      headers: {
        'apns-topic': 'com.example.app',
        'apns-push-type': 'alert',
        'apns-priority': '10',
        'apns-collapse-id': 'one',
      },
    })
    const expiresIn = Number(asked[0]?.headers['apns-expiration']) - Date.now() / 1000
    expect(Math.abs(expiresIn - 3600)).toBeLessThan(5)
    expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({
      aps: { alert: { title: 'Hello', body: 'You' } },
      kind: 'security',
      data: { a: 1 },
    })
    const token = String(asked[0]?.headers['authorization']).replace('bearer ', '')
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', kid: 'KEY1234567' })
    const { payload } = await jwtVerify(token, await importSPKI(apple.publicKey, 'ES256'))
    expect(payload).toEqual({ iss: 'TEAM123456', iat: expect.any(Number) })
    expect(asked[1]?.headers['authorization']).toBe(`bearer ${token}`)
  })

  test.each<[string, typeof says, Record<string, unknown>]>([
    [
      'Unregistered',
      { status: 410, body: '{"reason": "Unregistered", "timestamp": 1}' },
      { outcome: 'gone' },
    ],
    ['BadDeviceToken', { status: 400, body: '{"reason": "BadDeviceToken"}' }, { outcome: 'invalid' }],
    [
      "BadTopic: our fault, not the device's",
      { status: 400, body: '{"reason": "BadTopic"}' },
      { outcome: 'failed' },
    ],
    [
      'ExpiredProviderToken',
      { status: 403, body: '{"reason": "ExpiredProviderToken"}' },
      { outcome: 'later' },
    ],
    [
      'InvalidProviderToken',
      { status: 403, body: '{"reason": "InvalidProviderToken"}' },
      { outcome: 'failed' },
    ],
    [
      'TooManyRequests',
      { status: 429, headers: { 'retry-after': '12' }, body: '{"reason": "TooManyRequests"}' },
      { outcome: 'later', retryAfterSeconds: 12 },
    ],
    ['ServiceUnavailable', { status: 503, body: '{"reason": "ServiceUnavailable"}' }, { outcome: 'later' }],
    [
      'InternalServerError',
      { status: 500, body: '{"reason": "InternalServerError"}' },
      { outcome: 'unknown' },
    ],
    ['that it did not process the stream', 'refuse the stream', { outcome: 'later' }],
    ['nothing', 'hang', { outcome: 'unknown' }],
  ])('that says %s', async (_, said, expected) => {
    says = said
    expect(await send('ios')).toMatchObject(expected)
  })

  test('that falls silent for one, and not for those under way over the same connection', async () => {
    says = 'hang'
    const silent = send('ios')
    await expect.poll(() => asked.length).toBe(1)
    says = { status: 200 }
    expect(await Promise.all([send('ios'), send('ios'), send('ios')])).toEqual(
      Array.from({ length: 3 }, () => ({ outcome: 'sent' })),
    )
    expect(await silent).toMatchObject({ outcome: 'unknown' })
    expect(await send('ios')).toEqual({ outcome: 'sent' })
  })

  test('that closes its connections is reached over a new one', async () => {
    says = { status: 200 }
    expect(await send('ios')).toEqual({ outcome: 'sent' })
    for (const session of sessions) session.destroy()
    // It may take the client a moment to notice; until then nothing is sent, so nothing is lost.
    await expect.poll(() => send('ios')).toEqual({ outcome: 'sent' })
  })

  test('that cannot be reached: tried again', async () => {
    using nowhere = http2Post('https://127.0.0.1:1')
    const connector = apnsConnector({
      topic: 'com.example.app',
      tokens: { get: async () => 'token', forget: () => undefined },
      post: nowhere.post,
    })
    const outcome = await sendThrough(connector, delivery('ios'), new AbortController().signal)
    expect(outcome).toMatchObject({ outcome: 'later', error: expect.stringContaining('ECONNREFUSED') })
  })
})

function asPem({ privateKey, publicKey }: KeyPairKeyObjectResult): { privateKey: string; publicKey: string } {
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}
