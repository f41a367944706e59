/** From postgrest-js' answers to ours. */
import { toApiError } from '../errors/to-api-error.ts'
import type { Result } from './session-calls.ts'

type Failure = Parameters<typeof toApiError>[0]
type Answer<T> = { data: T | null; error: Failure | null; status: number }

/** Data or an ApiError. */
export function result<T>({ data, error, status }: Answer<T>): Result<T> {
  if (error) return { data: null, error: toApiError(error, status) }
  return { data: data as T, error: null }
}

/** The same for calls that answer with nothing. */
export function nothing({ error, status }: Answer<unknown>): Result<null> {
  return error ? { data: null, error: toApiError(error, status) } : { data: null, error: null }
}
