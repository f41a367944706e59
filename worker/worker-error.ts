/** The one error type of the worker: a stable key to branch on, a sentence with the values, and what to do. */

const BRAND = Symbol.for('howdah.WorkerError')

/** What can go wrong with a feed, from its URL to its last byte, and what the operator can do about it. */
const HINTS = {
  feed_url_invalid: 'Give the full address of the feed, such as https://example.com/feed.xml.',
  feed_url_forbidden:
    'Only public http and https addresses on ports 80 and 443 are fetched. If this host is yours, name it in HOWDAH_FETCH_ALLOW.',
  feed_unreachable: 'Check the address and whether the server is up; it is tried again later by itself.',
  feed_timeout: 'The server is too slow or stalls; it is tried again later by itself.',
  feed_too_large: 'Ask the publisher for a shorter feed: at most 5 MB after decompression are read.',
  feed_http_status: 'Open the address in a browser: the server refuses it or the feed has moved.',
  feed_too_many_redirects: 'Give the address where the redirects end.',
  feed_not_recognised:
    'The address must lead to an RSS, Atom, RDF or JSON feed. On a web page look for its feed link.',
  feed_malformed: 'Ask the publisher to repair the feed: a feed validator names the line.',
  feed_forbidden_entities:
    'Ask the publisher to remove the entity declarations from the DOCTYPE; feeds need none.',
} as const

/** Keys that `briefing.record_fetch` stores and clients branch on. */
export type FeedErrorKey = keyof typeof HINTS

/** Every key a WorkerError can have. */
export type WorkerErrorKey = FeedErrorKey | 'settings_invalid' | 'task_invalid' | 'database_lost'

/** Raised by everything under worker/. `retryAfterSeconds` is the server's own wish where it stated one. */
export class WorkerError extends Error {
  readonly key: WorkerErrorKey
  readonly hint: string
  readonly retryAfterSeconds: number | undefined
  readonly [BRAND] = true

  constructor(
    key: WorkerErrorKey,
    message: string,
    options: { hint?: string; cause?: unknown; retryAfterSeconds?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'WorkerError'
    this.key = key
    this.hint = options.hint ?? (isFeedErrorKey(key) ? HINTS[key] : 'Read the message; it names the value.')
    this.retryAfterSeconds = options.retryAfterSeconds
  }

  toJSON(): { key: WorkerErrorKey; message: string; hint: string } {
    return { key: this.key, message: this.message, hint: this.hint }
  }
}

/** Tells a WorkerError from any other value, also one that crossed from another copy of this module. */
export function isWorkerError(value: unknown): value is WorkerError {
  return typeof value === 'object' && value !== null && BRAND in value
}

/** A WorkerError about the feed itself (as opposed to our settings or our database). */
export function isFeedError(value: unknown): value is WorkerError & { key: FeedErrorKey } {
  return isWorkerError(value) && isFeedErrorKey(value.key)
}

/** True for keys of the feed_… family. */
export function isFeedErrorKey(key: string): key is FeedErrorKey {
  return Object.hasOwn(HINTS, key)
}
