/** What went wrong on the wire, as one of our keys. */
import { errors } from 'undici'
import { isWorkerError, WorkerError } from '../worker-error.ts'

const TIMEOUTS = [errors.ConnectTimeoutError, errors.HeadersTimeoutError, errors.BodyTimeoutError]

/** The WorkerError for a failed fetch. `expiredMs` is the total limit when that is what ended it. */
export function fetchFailure(error: unknown, url: URL, expiredMs: number | undefined): WorkerError {
  const known = innermost(error, isWorkerError)
  if (known) return known
  if (expiredMs !== undefined) {
    return new WorkerError('feed_timeout', `${url.href} took more than ${expiredMs} ms.`, { cause: error })
  }
  if (TIMEOUTS.some((type) => error instanceof type)) {
    return new WorkerError('feed_timeout', `${url.href} kept us waiting: ${reason(error)}.`, { cause: error })
  }
  return new WorkerError('feed_unreachable', `${url.href} could not be read: ${reason(error)}.`, {
    cause: error,
  })
}

/** Connection errors come wrapped, and several at once where a name has several addresses. */
function innermost<T>(error: unknown, isIt: (value: unknown) => value is T): T | undefined {
  if (isIt(error)) return error
  const inner = error instanceof AggregateError ? error.errors : error instanceof Error ? [error.cause] : []
  for (const value of inner) {
    const found = value === undefined ? undefined : innermost(value, isIt)
    if (found) return found
  }
  return undefined
}

function reason(error: unknown): string {
  const deepest = innermost(
    error,
    (value): value is Error => value instanceof Error && !(value instanceof AggregateError),
  )
  return (deepest?.message || String(error)).replace(/[.\s]+$/, '').slice(0, 200)
}
