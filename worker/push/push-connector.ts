/** The shape of a way to push: how a request is made, how it travels, and what an answer means. */
import type { Post, PostRequest, PostResult } from '../outgoing/post-result.ts'
import { retryAfterSeconds } from '../outgoing/retry-after.ts'
import type { PushOutcome } from './push-outcome.ts'
import type { QueuedDelivery } from './queued-delivery.ts'

/** What a provider's server answered. */
export type PushAnswer = Extract<PostResult, { kind: 'answer' }>

/** One provider. `prepare` may throw: then nothing was sent. A PushRefusal ends it, anything else is tried again. */
export type PushConnector<Delivery extends QueuedDelivery = QueuedDelivery> = {
  prepare(delivery: Delivery, signal: AbortSignal): Promise<PostRequest>
  post: Post
  read(answer: PushAnswer): PushOutcome
}

/** Thrown by `prepare` for a device that nothing can ever be sent to. */
export class PushRefusal extends Error {}

/** Sends one delivery through a connector; each way it can end is an outcome. */
export async function sendThrough<Delivery extends QueuedDelivery>(
  connector: PushConnector<Delivery>,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<PushOutcome> {
  let request: PostRequest
  try {
    request = await connector.prepare(delivery, signal)
  } catch (error) {
    return { outcome: error instanceof PushRefusal ? 'invalid' : 'later', error: sentence(error) }
  }
  const result = await connector.post(request, signal)
  if (result.kind === 'not_sent') return { outcome: 'later', error: result.error }
  if (result.kind === 'lost') return { outcome: 'unknown', error: result.error }
  return connector.read(result)
}

/** What every provider means by these: 429 and 503 are a refusal that ends; of any other 5xx nobody knows. */
export function readStatus(answer: PushAnswer): PushOutcome {
  const error = said(answer)
  if (answer.status >= 200 && answer.status < 300) return { outcome: 'sent' }
  if (answer.status === 429 || answer.status === 503) {
    return { outcome: 'later', error, retryAfterSeconds: retryAfterSeconds(answer.retryAfter, new Date()) }
  }
  return { outcome: answer.status >= 500 ? 'unknown' : 'failed', error }
}

/** A provider's answer as operators read it. */
export function said({ status, body }: PushAnswer): string {
  // A server may say anything, also what no text column and no terminal should get.
  const text = body
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 300)
  return `The push service answered ${status}${text ? `: ${text}` : ''}`
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
