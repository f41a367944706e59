/** An answer made here, in the API's own error shape, when none came from the server. */
import { CLIENT_ERRORS, type ClientErrorKey } from '../errors/client-error-keys.ts'

/** What went wrong. */
export type Failure = {
  key: ClientErrorKey | 'write_without_filter'
  status: number
  detail: string
  hint?: string
}

/** A response that postgrest-js reads like any refusal; the status is 0 when the server said none. */
export function failureResponse({ key, status, detail, hint }: Failure): Response {
  const body = {
    code: '',
    message: key,
    details: detail,
    hint: hint ?? (key in CLIENT_ERRORS ? CLIENT_ERRORS[key as ClientErrorKey] : ''),
  }
  const response = new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } })
  // A Response cannot be made with these; postgrest-js reads nothing else of it.
  Object.defineProperties(response, { ok: { value: false }, status: { value: status } })
  return response
}
