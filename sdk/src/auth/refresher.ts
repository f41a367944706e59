/** Renews the session: one call at a time, however many ask. */
import { ApiError } from '../errors/api-error.ts'
import { CLIENT_ERRORS } from '../errors/client-error-keys.ts'
import type { Session } from './session.ts'
import type { Result, SessionCall } from './session-calls.ts'
import type { SessionStore } from './session-store.ts'

/** After one of these no token of the session will ever be accepted again. */
const FINAL_KEYS = new Set(['refresh_token_invalid', 'refresh_token_reused', 'session_ended'])

/** Renews the current session; whoever asks meanwhile gets the same answer. */
export type Refresh = () => Promise<Result<Session>>

/** Prepares the renewal. */
export function refresher(store: SessionStore, call: SessionCall): Refresh {
  let running: Promise<Result<Session>> | undefined
  return () => {
    running ??= renew(store, call).finally(() => {
      running = undefined
    })
    return running
  }
}

async function renew(store: SessionStore, call: SessionCall): Promise<Result<Session>> {
  const before = await store.current()
  if (!before) return noSession()
  const answer = await call('refresh_session', { refresh_token: before.refreshToken })
  const now = await store.current()
  // Signed out, or in as someone else, while the answer was on its way: what it brings belongs to nobody.
  if (now?.refreshToken !== before.refreshToken) return now ? { data: now, error: null } : noSession()
  if (!answer.error) {
    await store.set('token_refreshed', answer.data)
    return answer
  }
  if (answer.error.key === 'refresh_token_superseded') return adoptNewer(store, before, answer.error)
  // Everything else (no network, a busy server) leaves the session as it is: the next request tries again.
  if (FINAL_KEYS.has(answer.error.key)) await store.set('session_expired', null)
  return answer
}

/** Another tab has gone on; what it stored is the session now. Without a trace of it the session is lost to us. */
async function adoptNewer(store: SessionStore, before: Session, error: ApiError): Promise<Result<Session>> {
  await store.reload()
  const stored = await store.current()
  if (stored && stored.refreshToken !== before.refreshToken) {
    await store.set('token_refreshed', stored)
    return { data: stored, error: null }
  }
  await store.set('session_expired', null)
  return { data: null, error }
}

/** What is answered to someone who is not signed in. */
export function noSession(): { data: null; error: ApiError } {
  const detail = 'There is no session to renew or end.'
  return {
    data: null,
    error: new ApiError({ key: 'no_session', status: 0, detail, hint: CLIENT_ERRORS.no_session }),
  }
}
