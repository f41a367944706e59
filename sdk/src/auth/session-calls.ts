/** The calls that answer with a session. They carry no token. */
import type { PostgrestClient } from '@supabase/postgrest-js'
import { ApiError } from '../errors/api-error.ts'
import { CLIENT_ERRORS } from '../errors/client-error-keys.ts'
import { toApiError } from '../errors/to-api-error.ts'
import type { Database } from '../generated/database.ts'
import { mailQueued } from '../generated/shapes.ts'
import { receivedChallenge, secondFactorRequired } from './second-factor.ts'
import { receivedSession, type Session, sessionFrom } from './session.ts'

/** Data or an ApiError, never both. */
export type Result<T> = { data: T; error: null } | { data: null; error: ApiError }

type SessionFunction =
  | 'sign_up'
  | 'sign_in'
  | 'sign_in_with_totp'
  | 'sign_in_with_recovery_code'
  | 'sign_in_with_identity'
  | 'refresh_session'

/** The functions that answer with a session, and what they take. */
export type SessionCall = <Name extends SessionFunction>(
  name: Name,
  args: Database['api']['Functions'][Name]['Args'],
) => Promise<Result<Session>>

/** Prepares the calls, over a client that sends no token. */
export function sessionCalls(
  api: PostgrestClient<Database, { PostgrestVersion: '12' }, 'api'>,
  now: () => number,
): SessionCall {
  return async (name, args) => {
    const { data, error, status } = await api.rpc(name, args as never)
    if (error) return { data: null, error: toApiError(error, status) }
    const parsed = receivedSession.safeParse(data)
    if (parsed.success) return { data: sessionFrom(parsed.data, now()), error: null }
    const challenge = receivedChallenge.safeParse(data)
    if (challenge.success) {
      return { data: null, error: secondFactorRequired(challenge.data, now(), status) }
    }
    if (mailQueued.safeParse(data).success) {
      const detail = 'The server has sent a mail to the address.'
      const hint = CLIENT_ERRORS.verification_required
      return { data: null, error: new ApiError({ key: 'verification_required', status, detail, hint }) }
    }
    // The answer itself is left out: it may hold tokens.
    const places = parsed.error.issues.map((issue) => issue.path.join('.') || 'the whole').join(', ')
    const detail = `${name} answered with something that is no session; wrong: ${places}.`
    return {
      data: null,
      error: new ApiError({ key: 'bad_response', status, detail, hint: CLIENT_ERRORS.bad_response }),
    }
  }
}
