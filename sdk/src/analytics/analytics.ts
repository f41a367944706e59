/** client.analytics: tells the server what happens here, in batches, each event once. */
import { ApiError } from '../errors/api-error.ts'
import { CLIENT_ERRORS } from '../errors/client-error-keys.ts'
import type { Json } from '../generated/database.ts'
import type { Fetch } from '../transport/bounded-fetch.ts'
import { eventId } from './event-id.ts'
import type { EventShelf } from './event-shelf.ts'
import { type Outcome, sendEvents } from './send-events.ts'
import type { TrackedEvent } from './tracked-event.ts'
import { whenPageHides } from './when-page-hides.ts'

/** How events are gathered. */
export type AnalyticsOptions = {
  /** So many waiting events are sent at once. (Default: 20) */
  flushSize?: number
  /** How long an event waits for others, in milliseconds. (Default: 5000) */
  flushIntervalMs?: number
  /** Most events that wait while the server cannot be reached; then the oldest are dropped. (Default: 1000) */
  bufferLimit?: number
}

/** Properties of an event: plain JSON, at most 8,192 bytes. */
export type EventProperties = { [name: string]: Json | undefined }

type AnalyticsParts = AnalyticsOptions & {
  send: Fetch
  url: string
  shelf: EventShelf
  now: () => number
  onError: (error: ApiError) => void
}

/** Most events that wait, here and on the shelf, unless told otherwise: an hour of busy use. */
export const DEFAULT_BUFFER_LIMIT = 1_000

/** What one call of the API takes, what proxies let pass (a megabyte), what a page may send while it goes away. */
const CALL_LIMIT = 1000
const CALL_BYTES = 500_000
const LAST_CALL_BYTES = 60_000
/** Between tries: twice as long each time, up to five minutes. */
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 300_000

/** Gathers events and sends them. `track` never throws and never waits. */
export class Analytics {
  readonly #parts: AnalyticsParts
  readonly #sessionId = crypto.randomUUID()
  readonly #flushSize: number
  readonly #flushIntervalMs: number
  readonly #bufferLimit: number
  #waiting: TrackedEvent[] = []
  /** Made again with the server's clock once; another refusal is final. */
  readonly #remade = new Set<string>()
  #visitorId: Promise<string> | undefined
  /** How far the server's clock is ahead of ours. */
  #clockOffsetMs = 0
  #retryMs = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #flushing: Promise<void> | undefined

  constructor(parts: AnalyticsParts) {
    this.#parts = parts
    this.#flushSize = parts.flushSize ?? 20
    this.#flushIntervalMs = parts.flushIntervalMs ?? 5_000
    this.#bufferLimit = parts.bufferLimit ?? DEFAULT_BUFFER_LIMIT
  }

  /**
   * Notes that something happened now. What cannot be sent, and why, goes to the client's onError.
   * @example
   * client.analytics.track('card.opened', { card: card.id, position: 3 })
   */
  track(name: string, properties: EventProperties = {}): void {
    const { now, onError } = this.#parts
    try {
      const at = now()
      this.#start()
      this.#waiting.push({
        id: eventId(at + this.#clockOffsetMs),
        name,
        visitor_id: '',
        session_id: this.#sessionId,
        occurred_at: new Date(at).toISOString(),
        // A copy: what the caller changes later has not happened.
        properties: JSON.parse(JSON.stringify(properties)),
      })
    } catch (cause) {
      onError(clientError('event_dropped', `${name} could not be written as JSON.`, cause))
      return
    }
    this.#bound()
    if (this.#retryMs === 0 && this.#waiting.length >= this.#flushSize) void this.flush()
    else this.#schedule(this.#flushIntervalMs)
  }

  /** Sends what waits, now. Resolves to the number of events that still wait because the server could not take them. */
  async flush(): Promise<number> {
    this.#start()
    // Whoever asks while a flush is under way wants the events since, too.
    while (this.#flushing) await this.#flushing
    this.#flushing = this.#sendAll().finally(() => {
      this.#flushing = undefined
    })
    await this.#flushing
    return this.#waiting.length
  }

  /** At the first use: fetches what an earlier page left behind, and listens for this one's end. */
  #start(): void {
    if (this.#visitorId) return
    const { shelf, onError } = this.#parts
    this.#visitorId = (async () => {
      try {
        const left = await shelf.events()
        this.#waiting.unshift(...left)
        this.#bound()
        return await shelf.visitorId()
      } catch (cause) {
        onError(clientError('storage_failed', 'The visitor and unsent events could not be read.', cause))
        return crypto.randomUUID()
      }
    })()
    whenPageHides(() => void this.#leave())
  }

  async #sendAll(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    // Before the first look: what an earlier page left behind comes with the visitor.
    await this.#identify()
    while (this.#waiting.length > 0) {
      await this.#identify()
      if (!(await this.#sendOnce(this.#batch(CALL_BYTES), false))) return
    }
  }

  /** The page goes away: what waits is put on the shelf first, so that nothing hangs on the last request. */
  async #leave(): Promise<void> {
    await this.#identify()
    if (this.#waiting.length === 0) return
    try {
      await this.#parts.shelf.add(this.#waiting)
    } catch (cause) {
      this.#parts.onError(clientError('storage_failed', 'Unsent events could not be kept.', cause))
    }
    await this.#sendOnce(this.#batch(LAST_CALL_BYTES), true)
  }

  /** The oldest events that fit into one call; at least one. */
  #batch(limitBytes: number): TrackedEvent[] {
    let bytes = 0
    const encoder = new TextEncoder()
    const end = this.#waiting.findIndex((event, index) => {
      bytes += encoder.encode(JSON.stringify(event)).length + 1
      return index > 0 && (bytes > limitBytes || index >= CALL_LIMIT)
    })
    return end === -1 ? [...this.#waiting] : this.#waiting.slice(0, end)
  }

  /** True when the events need not be sent again. */
  async #sendOnce(events: readonly TrackedEvent[], isLast: boolean): Promise<boolean> {
    const { send, url, now } = this.#parts
    const outcome = await sendEvents(send, url, { events, sentAt: now(), isLast })
    if (outcome.kind === 'later') {
      this.#retryMs = Math.min(LONGEST_RETRY_MS, Math.max(FIRST_RETRY_MS, this.#retryMs * 2))
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#schedule(outcome.retryAfterMs ?? this.#retryMs)
      return false
    }
    this.#retryMs = 0
    const again = this.#judge(events, outcome)
    const done = new Set(events.map(({ id }) => id))
    this.#waiting = [...again, ...this.#waiting.filter(({ id }) => !done.has(id))]
    try {
      await this.#parts.shelf.remove(done)
    } catch (cause) {
      this.#parts.onError(clientError('storage_failed', 'Sent events could not be forgotten.', cause))
    }
    return true
  }

  /** Reports what was refused; gives back events that get a second try under an id by the server's clock. */
  #judge(events: readonly TrackedEvent[], outcome: Exclude<Outcome, { kind: 'later' }>): TrackedEvent[] {
    const { now, onError } = this.#parts
    if (outcome.kind === 'never') {
      onError(outcome.error)
      return []
    }
    this.#clockOffsetMs = Date.parse(outcome.answer.received_at) - now()
    const again: TrackedEvent[] = []
    for (const { index, key, detail } of outcome.answer.refused) {
      const event = events[index]
      if (!event) continue
      if (key === 'event_time_out_of_range' && !this.#remade.delete(event.id)) {
        const remade = { ...event, id: eventId(Date.parse(event.occurred_at) + this.#clockOffsetMs) }
        this.#remade.add(remade.id)
        again.push(remade)
      } else
        onError(
          new ApiError({
            key,
            status: 200,
            detail: `${event.name}: ${detail}`,
            hint: CLIENT_ERRORS.event_dropped,
          }),
        )
    }
    return again
  }

  /** Events get the visitor's id when the storage has told it. */
  async #identify(): Promise<void> {
    const visitorId = await this.#visitorId
    for (const event of this.#waiting) event.visitor_id ||= visitorId ?? ''
  }

  #bound(): void {
    const excess = this.#waiting.length - this.#bufferLimit
    if (excess <= 0) return
    this.#waiting.splice(0, excess)
    this.#parts.onError(
      clientError('event_dropped', `More than ${this.#bufferLimit} events waited; the oldest gave way.`),
    )
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.flush()
    }, delayMs)
    // A program that is done must not be kept alive by its statistics.
    const timer: unknown = this.#timer
    if (typeof timer === 'object' && timer && 'unref' in timer && typeof timer.unref === 'function')
      timer.unref()
  }
}

function clientError(key: 'event_dropped' | 'storage_failed', detail: string, cause?: unknown): ApiError {
  return new ApiError({ key, status: 0, detail, hint: CLIENT_ERRORS[key], cause })
}
