/** APNs against a loopback HTTP/2 server that answers as documented. Nobody has tried Apple's own from here. */
import { decodeProtectedHeader, importSPKI, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Http2Post, http2Post } from '../../../worker/outgoing/http2-post.ts'
import { apnsConnector, apnsTokens } from '../../../worker/push/apns.ts'
import { type PushConnector, sendThrough } from '../../../worker/push/push-connector.ts'
import { type PhoneService, phoneDelivery, startApple } from '../support/phone-services.ts'

let apple: Awaited<ReturnType<typeof startApple>>
let overHttp2: Http2Post
let connector: PushConnector
beforeAll(async () => {
  apple = await startApple()
  overHttp2 = http2Post(apple.url, { totalTimeoutMs: 1500 })
  const tokens = apnsTokens({ privateKey: apple.privateKey, keyId: 'KEY1234567', teamId: 'TEAM123456' })
  connector = apnsConnector({ topic: 'com.example.app', tokens, post: overHttp2.post, baseUrl: apple.url })
})
afterAll(async () => {
  overHttp2[Symbol.dispose]()
  await apple[Symbol.asyncDispose]()
})
beforeEach(() => {
  apple.asked = []
})

const send = () => sendThrough(connector, phoneDelivery('ios'), new AbortController().signal)

describe('APNs', () => {
  test('gets the message over HTTP/2 with a signed token, all over one connection', async () => {
    apple.says = { status: 200 }
    expect([await send(), await send()]).toEqual([{ outcome: 'sent' }, { outcome: 'sent' }])
    expect(apple.connections()).toBe(1)
    expect(apple.asked[0]).toMatchObject({
      path: `/3/device/${'ab'.repeat(32)}`,
      headers: {
        'apns-topic': 'com.example.app',
        'apns-push-type': 'alert',
        'apns-priority': '10',
        'apns-collapse-id': 'one',
      },
    })
    const expiresIn = Number(apple.asked[0]?.headers['apns-expiration']) - Date.now() / 1000
    expect(Math.abs(expiresIn - 3600)).toBeLessThan(5)
    expect(JSON.parse(apple.asked[0]?.body ?? '')).toMatchObject({
      aps: { alert: { title: 'Hello', body: 'You' } },
      kind: 'security',
      data: { a: 1 },
    })
    const token = String(apple.asked[0]?.headers['authorization']).replace('bearer ', '')
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', kid: 'KEY1234567' })
    const { payload } = await jwtVerify(token, await importSPKI(apple.publicKey, 'ES256'))
    expect(payload).toEqual({ iss: 'TEAM123456', iat: expect.any(Number) })
    expect(apple.asked[1]?.headers['authorization']).toBe(`bearer ${token}`)
  })

  test.each<[string, PhoneService['says'], Record<string, unknown>]>([
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
    apple.says = said
    expect(await send()).toMatchObject(expected)
  })

  test('that falls silent for one, and not for those under way over the same connection', async () => {
    apple.says = 'hang'
    const silent = send()
    await expect.poll(() => apple.asked.length, { timeout: 1400 }).toBe(1)
    apple.says = { status: 200 }
    expect(await Promise.all([send(), send(), send()])).toEqual(
      Array.from({ length: 3 }, () => ({ outcome: 'sent' })),
    )
    expect(await silent).toMatchObject({ outcome: 'unknown' })
    expect(await send()).toEqual({ outcome: 'sent' })
  })

  test('that closes its connections is reached over a new one', async () => {
    apple.says = { status: 200 }
    expect(await send()).toEqual({ outcome: 'sent' })
    apple.hangUp()
    // It may take the client a moment to notice; until then nothing is sent, so nothing is lost.
    await expect.poll(() => send(), { timeout: 20_000 }).toEqual({ outcome: 'sent' })
  })

  test('that cannot be reached: tried again', async () => {
    using nowhere = http2Post('https://127.0.0.1:1')
    const connector = apnsConnector({
      topic: 'com.example.app',
      tokens: { get: async () => 'token', forget: () => undefined },
      post: nowhere.post,
    })
    const outcome = await sendThrough(connector, phoneDelivery('ios'), new AbortController().signal)
    expect(outcome).toMatchObject({ outcome: 'later', error: expect.stringContaining('ECONNREFUSED') })
  })
})
