/**
 * iPhones through the Apple Push Notification service.
 * Source: https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns and
 * .../handling-notification-responses-from-apns
 */
import { importPKCS8, SignJWT } from 'jose'
import { z } from 'zod'
import type { Post } from '../outgoing/post-result.ts'
import { type BearerTokens, keptToken } from './bearer-token.ts'
import { type PushAnswer, type PushConnector, readStatus, said } from './push-connector.ts'
import type { PushOutcome } from './push-outcome.ts'
import type { QueuedDelivery } from './queued-delivery.ts'

/** A token key of Apple's developer console. */
export type ApnsKey = { privateKey: string; keyId: string; teamId: string }

/** What the connector needs. `topic` is the app's bundle id; `post` speaks HTTP/2; `baseUrl` has no slash at the end. */
export type ApnsOptions = { topic: string; tokens: BearerTokens; post: Post; baseUrl?: string }

/** Apple refuses tokens older than an hour, and makers of more than one in 20 minutes. */
const TOKEN_LIFETIME_MS = 40 * 60_000

/** The device will never take what is sent to this token. */
const INVALID = ['BadDeviceToken', 'DeviceTokenNotForTopic']

const refusal = z.object({ reason: z.string() })

/** Provider tokens, signed here. */
export function apnsTokens({ privateKey, keyId, teamId }: ApnsKey): BearerTokens {
  return keptToken(async () => {
    const key = await importPKCS8(privateKey, 'ES256')
    const token = await new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .setIssuer(teamId)
      .setIssuedAt()
      .sign(key)
    return { token, lifetimeMs: TOKEN_LIFETIME_MS }
  })
}

/** Makes the connector. */
export function apnsConnector({
  topic,
  tokens,
  post,
  baseUrl = 'https://api.push.apple.com',
}: ApnsOptions): PushConnector {
  return {
    prepare: async (delivery, signal) => ({
      url: `${baseUrl}/3/device/${delivery.token}`,
      headers: headersFor(delivery, topic, await tokens.get(signal)),
      body: Buffer.from(JSON.stringify(toPayload(delivery))),
    }),
    post,
    read: (answer) => read(answer, tokens),
  }
}

function headersFor(delivery: QueuedDelivery, topic: string, token: string): Record<string, string> {
  const expiresAt = Math.floor(Date.now() / 1000) + delivery.ttl_seconds
  return {
    authorization: `bearer ${token}`,
    'apns-topic': topic,
    'apns-push-type': 'alert',
    'apns-priority': delivery.is_urgent ? '10' : '5',
    'apns-expiration': String(expiresAt),
    ...(delivery.collapse_key && { 'apns-collapse-id': delivery.collapse_key }),
  }
}

function toPayload({ message: { id, kind, title, body, data }, is_urgent }: QueuedDelivery) {
  const level = is_urgent ? 'time-sensitive' : 'active'
  return { aps: { alert: { title, body }, 'interruption-level': level }, id, kind, data }
}

function read(answer: PushAnswer, tokens: BearerTokens): PushOutcome {
  const error = said(answer)
  const reason = reasonOf(answer.body)
  if (answer.status === 410) return { outcome: 'gone', error }
  if (INVALID.includes(reason ?? '')) return { outcome: 'invalid', error }
  if (reason === 'ExpiredProviderToken') {
    tokens.forget()
    return { outcome: 'later', error }
  }
  return readStatus(answer)
}

function reasonOf(body: string): string | undefined {
  try {
    return refusal.parse(JSON.parse(body)).reason
  } catch {
    return undefined
  }
}
