/** One call of track_events, and what its answer means for the events. */
import type { z } from 'zod'
import type { ApiError } from '../errors/api-error.ts'
import { toApiError } from '../errors/to-api-error.ts'
import { results } from '../generated/schemas.ts'
import type { Fetch } from '../transport/bounded-fetch.ts'
import type { TrackedEvent } from './tracked-event.ts'

/** Judged: each event is stored or refused for good. Later: nothing is known, send the same again. Never: drop them. */
export type Outcome =
  | { kind: 'judged'; answer: z.infer<typeof results.track_events> }
  | { kind: 'later'; error: ApiError; retryAfterMs: number | undefined }
  | { kind: 'never'; error: ApiError }

/** Sends events as whoever is signed in. `isLast`: the page goes away, the request must outlive it. */
export async function sendEvents(
  send: Fetch,
  url: string,
  call: { events: readonly TrackedEvent[]; sentAt: number; isLast: boolean },
): Promise<Outcome> {
  const response = await send(`${url}/rpc/track_events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', 'content-profile': 'api' },
    body: JSON.stringify({ events: call.events, sent_at: new Date(call.sentAt).toISOString() }),
    keepalive: call.isLast,
  })
  const body: unknown = await response.json()
  if (response.ok) {
    const answer = results.track_events.safeParse(body)
    if (answer.success) return { kind: 'judged', answer: answer.data }
  }
  const error = toApiError(body, response.status)
  const isFinal =
    response.status >= 400 && response.status < 500 && ![401, 408, 425, 429].includes(response.status)
  if (isFinal) return { kind: 'never', error }
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return { kind: 'later', error, retryAfterMs: seconds > 0 ? seconds * 1000 : undefined }
}
