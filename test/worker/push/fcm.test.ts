/** FCM against a loopback server that answers as documented. Nobody has tried Google's own from here. */
import { importSPKI, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseFetchAllow } from '../../../worker/outgoing/fetch-allow.ts'
import { guardedPost } from '../../../worker/outgoing/guarded-post.ts'
import { fcmConnector } from '../../../worker/push/fcm.ts'
import { googleTokens } from '../../../worker/push/google-token.ts'
import { type PushConnector, sendThrough } from '../../../worker/push/push-connector.ts'
import { phoneDelivery, type Said, startGoogle } from '../support/phone-services.ts'

let google: Awaited<ReturnType<typeof startGoogle>>
let connector: PushConnector
beforeAll(async () => {
  google = await startGoogle()
  const post = guardedPost({ allow: parseFetchAllow('127.0.0.1'), limits: { totalTimeoutMs: 1500 } })
  const account = {
    project_id: 'a-project',
    client_email: 'push@a-project.example',
    private_key: google.privateKey,
    token_uri: `${google.url}/token`,
  }
  const tokens = googleTokens(account, post)
  connector = fcmConnector({ projectId: 'a-project', tokens, post, baseUrl: google.url })
})
afterAll(() => google[Symbol.asyncDispose]())
beforeEach(() => {
  google.asked = []
})

const send = () => sendThrough(connector, phoneDelivery('android'), new AbortController().signal)
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
    google.says = { status: 200, body: '{"name": "projects/a-project/messages/0:1"}' }
    expect([await send(), await send()]).toEqual([{ outcome: 'sent' }, { outcome: 'sent' }])
    expect(google.tokenRequests).toHaveLength(1)
    const form = new URLSearchParams(google.tokenRequests[0])
    const { payload } = await jwtVerify(
      form.get('assertion') ?? '',
      await importSPKI(google.publicKey, 'RS256'),
    )
    expect(payload).toMatchObject({
      iss: 'push@a-project.example',
      scope: 'https://www.googleapis.com/auth/firebase.messaging',
    })
    expect(google.asked[0]).toMatchObject({
      path: '/v1/projects/a-project/messages:send',
      headers: { authorization: 'Bearer access-1', 'content-type': 'application/json' },
    })
    expect(JSON.parse(google.asked[0]?.body ?? '')).toEqual({
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
    google.says = said
    expect(await send()).toMatchObject(expected)
  })

  test('that refuses the access token gets another one at the next try', async () => {
    const before = google.tokenRequests.length
    google.says = { status: 401, body: fcmError(401, 'UNAUTHENTICATED') }
    expect(await send()).toMatchObject({ outcome: 'later' })
    google.says = { status: 200, body: '{"name": "projects/a-project/messages/0:2"}' }
    expect(await send()).toEqual({ outcome: 'sent' })
    expect(google.tokenRequests).toHaveLength(before + 1)
  })
})
