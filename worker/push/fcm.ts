/**
 * Android through Firebase Cloud Messaging, HTTP v1.
 * Source: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send and .../v1/ErrorCode
 */
import { z } from 'zod'
import type { Post } from '../outgoing/post-result.ts'
import type { BearerTokens } from './bearer-token.ts'
import { type PushAnswer, type PushConnector, readStatus, said } from './push-connector.ts'
import type { PushOutcome } from './push-outcome.ts'
import type { QueuedDelivery } from './queued-delivery.ts'

/** What the connector needs. `baseUrl` without a slash at the end. (Default: Google's) */
export type FcmOptions = { projectId: string; tokens: BearerTokens; post: Post; baseUrl?: string }

/** Four weeks is what FCM keeps a message. */
const TTL_LIMIT_SECONDS = 28 * 24 * 60 * 60

const refusal = z.object({
  error: z.object({
    details: z.array(z.looseObject({ errorCode: z.string().optional() })).default([]),
  }),
})

/** Makes the connector. */
export function fcmConnector({
  projectId,
  tokens,
  post,
  baseUrl = 'https://fcm.googleapis.com',
}: FcmOptions): PushConnector {
  return {
    prepare: async (delivery, signal) => ({
      url: `${baseUrl}/v1/projects/${encodeURIComponent(projectId)}/messages:send`,
      headers: {
        authorization: `Bearer ${await tokens.get(signal)}`,
        'content-type': 'application/json',
      },
      body: Buffer.from(JSON.stringify({ message: toMessage(delivery) })),
    }),
    post,
    read: (answer) => read(answer, tokens),
  }
}

function toMessage({ token, message, is_urgent, collapse_key, ttl_seconds }: QueuedDelivery) {
  const { id, kind, title, body, data } = message
  return {
    token,
    notification: { title, body },
    // FCM takes texts only.
    data: { id, kind, data: JSON.stringify(data) },
    android: {
      priority: is_urgent ? 'HIGH' : 'NORMAL',
      ttl: `${Math.min(ttl_seconds, TTL_LIMIT_SECONDS)}s`,
      ...(collapse_key && { collapse_key }),
    },
  }
}

function read(answer: PushAnswer, tokens: BearerTokens): PushOutcome {
  const error = said(answer)
  if (answer.status === 200) {
    // Every message that was taken has a name.
    return /"name"\s*:\s*"projects\//.test(answer.body) ? { outcome: 'sent' } : { outcome: 'unknown', error }
  }
  const code = errorCode(answer.body)
  if (code === 'UNREGISTERED') return { outcome: 'gone', error }
  if (code === 'SENDER_ID_MISMATCH') return { outcome: 'invalid', error }
  if (answer.status === 401) {
    tokens.forget()
    return { outcome: 'later', error }
  }
  return readStatus(answer)
}

function errorCode(body: string): string | undefined {
  try {
    return refusal.parse(JSON.parse(body)).error.details.find(({ errorCode }) => errorCode)?.errorCode
  } catch {
    return undefined
  }
}
