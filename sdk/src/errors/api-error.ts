/** The one error class of the SDK. Programs branch on `key`. */
import type { ErrorKey } from '../generated/errors.ts'
import type { ClientErrorKey } from './client-error-keys.ts'

/** Every key known today. Open, because a newer server may know more. */
export type AnyErrorKey = ErrorKey | ClientErrorKey | (string & {})

/** What an ApiError is made from. */
export type ApiErrorParts = {
  key: AnyErrorKey
  /** The HTTP status; 0 when there was no answer. */
  status: number
  /** A sentence with the values, for people. */
  detail?: string
  /** What the caller can do. */
  hint?: string
  cause?: unknown
}

const BRAND = Symbol.for('howdah.ApiError')

/**
 * A refusal of the API, or a failure on the way to it.
 * @example
 * try {
 *   await orThrow(client.briefings.today())
 * } catch (error) {
 *   if (isApiError(error) && error.key === 'not_signed_in') showSignIn()
 *   else throw error
 * }
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly key: AnyErrorKey
  readonly status: number
  readonly detail: string
  readonly hint: string
  readonly [BRAND] = true

  constructor({ key, status, detail = '', hint = '', cause }: ApiErrorParts) {
    super(`${key}${status ? ` (${status})` : ''}${detail ? `: ${detail}` : ''}`, { cause })
    this.key = key
    this.status = status
    this.detail = detail
    this.hint = hint
  }

  /** For logs. The cause is left out: it may hold what was sent. */
  toJSON(): { name: string; key: string; status: number; detail: string; hint: string } {
    const { name, key, status, detail, hint } = this
    return { name, key, status, detail, hint }
  }
}

/** Whether a caught value is an ApiError, also one of another copy of this package. */
export function isApiError(value: unknown): value is ApiError {
  return value instanceof Error && BRAND in value
}
