/** Turns the error of an answer into an ApiError. */
import { z } from 'zod'
import { ERROR_CATALOGUE, type ErrorKey } from '../generated/errors.ts'
import { type AnyErrorKey, ApiError } from './api-error.ts'
import { CLIENT_ERRORS, type ClientErrorKey } from './client-error-keys.ts'
import { keyOfCode } from './key-of-code.ts'

/** The body of a refusal, as PostgREST writes it. */
export const errorBody = z.object({
  message: z.string(),
  code: z.string().nullish(),
  details: z.string().nullish(),
  hint: z.string().nullish(),
})

/**
 * Makes an ApiError of what postgrest-js calls an error. An ApiError stays what it is.
 * @param status the answer's HTTP status, 0 when there was none
 */
export function toApiError(error: unknown, status: number): ApiError {
  if (error instanceof ApiError) return error
  const parsed = errorBody.safeParse(error)
  if (!parsed.success) {
    return new ApiError({ key: 'unknown_error', status, hint: CLIENT_ERRORS.unknown_error, cause: error })
  }
  const { message, code, details, hint } = parsed.data
  const key = keyOf(message, code ?? '')
  const isOurs = key === message
  return new ApiError({
    key,
    status,
    detail: isOurs ? (details ?? '') : [message, details].filter(Boolean).join(' '),
    hint: hint || remedyFor(key),
    cause: error,
  })
}

/** Our own refusals carry the key as their message; what Postgres and PostgREST refuse is looked up by code. */
function keyOf(message: string, code: string): AnyErrorKey {
  if (/^PT[0-9]{3}$/.test(code) || isKnown(message)) return message
  return keyOfCode(code) ?? 'unknown_error'
}

function isKnown(message: string): message is ErrorKey | ClientErrorKey {
  return Object.hasOwn(ERROR_CATALOGUE, message) || Object.hasOwn(CLIENT_ERRORS, message)
}

function remedyFor(key: string): string {
  if (Object.hasOwn(ERROR_CATALOGUE, key)) return ERROR_CATALOGUE[key as ErrorKey].hint
  return Object.hasOwn(CLIENT_ERRORS, key) ? CLIENT_ERRORS[key as ClientErrorKey] : ''
}
