/** What a push can come to. core.finish_delivery() knows the same words. */

/**
 * `later`: it certainly did not arrive, so it may be tried again. `gone`: the provider knows no such device any more.
 * `invalid`: it never was one that we can reach. `unknown`: it may have arrived. `skipped`: this instance cannot send it.
 */
export type PushOutcome =
  | { outcome: 'sent' }
  | { outcome: 'later'; error: string; retryAfterSeconds?: number | undefined }
  | { outcome: 'failed' | 'gone' | 'invalid' | 'unknown' | 'skipped'; error: string }
