/** Browsers: RFC 8030 with encryption (RFC 8291) and VAPID (RFC 8292), by web-push; sent by our own guarded POST. */
import webPush from 'web-push'
import type { FetchAllow } from '../outgoing/fetch-allow.ts'
import { guardedPost, type PostOptions } from '../outgoing/guarded-post.ts'
import type { PostRequest } from '../outgoing/post-result.ts'
import { type PushAnswer, type PushConnector, PushRefusal, readStatus, said } from './push-connector.ts'
import type { PushOutcome } from './push-outcome.ts'
import type { QueuedDelivery } from './queued-delivery.ts'

type WebDelivery = Extract<QueuedDelivery, { platform: 'web' }>

/** Four weeks: push services shorten what is longer, some refuse it. */
const TTL_LIMIT_SECONDS = 28 * 24 * 60 * 60

/** The endpoint is what a client said it is, so every connection goes through the guard. `limits` is for tests. */
export function webPushConnector(
  allow: FetchAllow,
  limits: PostOptions['limits'] = {},
): PushConnector<WebDelivery> {
  return { prepare: async (delivery) => prepare(delivery), post: guardedPost({ allow, limits }), read }
}

function prepare({ token, keys, message, is_urgent, collapse_key, ttl_seconds }: WebDelivery): PostRequest {
  const { p256dh, auth, public_key: publicKey, private_key: privateKey, contact: subject } = keys
  try {
    const { headers, body } = webPush.generateRequestDetails(
      { endpoint: token, keys: { p256dh, auth } },
      JSON.stringify(message),
      {
        vapidDetails: { subject, publicKey, privateKey },
        contentEncoding: 'aes128gcm',
        TTL: Math.min(ttl_seconds, TTL_LIMIT_SECONDS),
        urgency: is_urgent ? 'high' : 'normal',
        ...(collapse_key && { topic: collapse_key }),
      },
    )
    const sent = Object.entries(headers).map(([name, value]) => [name, String(value)])
    return { url: token, headers: Object.fromEntries(sent), body }
  } catch (cause) {
    // Sixty-five bytes that are no point of the curve: the browser will never be able to read anything.
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY') {
      throw new PushRefusal('The key p256dh of the subscription is no point of P-256.', { cause })
    }
    throw cause
  }
}

function read(answer: PushAnswer): PushOutcome {
  if (answer.status === 404 || answer.status === 410) return { outcome: 'gone', error: said(answer) }
  return readStatus(answer)
}
