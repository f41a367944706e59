/** The one error type of the worker: a stable key to branch on, a sentence with the values, and what to do. */

import { ERROR_CATALOGUE, type ErrorKey } from '../sdk/src/generated/errors.ts'

const BRAND = Symbol.for('howdah.WorkerError')

/** What can go wrong with a feed, from its URL to its last byte. `briefing.record_fetch` stores these keys. */
export type FeedErrorKey = Extract<ErrorKey, `feed_${string}`>

/** Every key a WorkerError can have. */
export type WorkerErrorKey =
  | FeedErrorKey
  | 'settings_invalid'
  | 'task_invalid'
  | 'database_lost'
  | 'mail_not_sent'
  | 'audit_seals_differ'
  | 'data_export_failed'
  | 'data_export_over'
  | 'view_refresh_failed'
  | 'maintenance_not_permitted'
  | 'erasure_ledger_damaged'
  | 'erasure_not_proven'
  | 'erasures_not_replayed'

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
    this.hint =
      options.hint ??
      (isFeedErrorKey(key) ? ERROR_CATALOGUE[key].hint : 'Read the message; it names the value.')
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
  return key.startsWith('feed_') && Object.hasOwn(ERROR_CATALOGUE, key)
}
