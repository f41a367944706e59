/** client.auth: who is signed in. */
import type { PostgrestClient } from '@supabase/postgrest-js'
import { toApiError } from '../errors/to-api-error.ts'
import type { Database } from '../generated/database.ts'
import { type Account, type AccountCalls, accountCalls } from './account-calls.ts'
import { result } from './call-result.ts'
import { noSession, type Refresh } from './refresher.ts'
import type { SignInChallenge } from './second-factor.ts'
import { type SecondFactorCalls, secondFactorCalls } from './second-factor-calls.ts'
import type { Session } from './session.ts'
import type { Result, SessionCall } from './session-calls.ts'
import type { AuthListener, SessionStore } from './session-store.ts'

/** What signUp takes. */
export type SignUp = {
  email: string
  password: string
  displayName?: string
  /** IANA zone. (Default: UTC) */
  timezone?: string
  /** Language tag. (Default: en) */
  locale?: string
}

/** What signIn takes. */
export type SignIn = { email: string; password: string; deviceFingerprint?: string; deviceName?: string }

/** What signInWithIdentity takes: an id_token of an issuer the server believes. */
export type IdentitySignIn = {
  token: string
  /** The nonce the token was asked for with, exactly when there was one. */
  nonce?: string
  deviceFingerprint?: string
  deviceName?: string
}

/** Signing up, in and out, and the session in between. */
export type Auth = AccountCalls &
  SecondFactorCalls & {
    /**
     * Opens an account and signs in. Where the server lets a mail decide, the error has the key verification_required:
     * nothing went wrong, but there is no session before the mail's link is opened.
     */
    signUp(person: SignUp): Promise<Result<Session>>
    /**
     * Signs in; a session there was before is forgotten here, not ended. Where the account has a second factor, the error
     * has the key second_factor_required: isSecondFactorRequired(error) tells, and error.challenge goes to
     * signInWithTotp or signInWithRecoveryCode.
     */
    signIn(credentials: SignIn): Promise<Result<Session>>
    /** Finishes a sign-in with the code that the authenticator app shows. */
    signInWithTotp(challenge: SignInChallenge, code: string): Promise<Result<Session>>
    /** Finishes a sign-in with a recovery code; it is used up by that. */
    signInWithRecoveryCode(challenge: SignInChallenge, recoveryCode: string): Promise<Result<Session>>
    /** Signs in with the word of an outside issuer; whoever comes for the first time gets an account. */
    signInWithIdentity(identity: IdentitySignIn): Promise<Result<Session>>
    /**
     * Ends the session on the server and here. When the server cannot be reached the session stays, so that you can try
     * again; `{ onlyHere: true }` forgets it without asking.
     */
    signOut(options?: { onlyHere?: boolean }): Promise<Result<null>>
    /** Renews the tokens now. Needed only with `autoRefresh: false`. */
    refresh(): Promise<Result<Session>>
    /** The session there is, without asking the server. */
    getSession(): Promise<Session | null>
    /** The account of whoever is signed in, from the server. */
    getUser(): Promise<Result<Account>>
    /** Tells of every change from now on; the answer stops it. */
    onStateChange(listener: AuthListener): () => void
  }

/** What the parts are made of. */
export type AuthOptions = {
  store: SessionStore
  call: SessionCall
  refresh: Refresh
  /** Sends the session's token. */
  api: PostgrestClient<Database, { PostgrestVersion: '12' }, 'api'>
  /** Sends no token. */
  anonymous: PostgrestClient<Database, { PostgrestVersion: '12' }, 'api'>
}

/** Puts client.auth together. */
export function createAuth({ store, call, refresh, api, anonymous }: AuthOptions): Auth {
  const enter = async (answer: Result<Session>): Promise<Result<Session>> => {
    if (answer.data) await store.set('signed_in', answer.data)
    return answer
  }
  return {
    ...accountCalls(api, anonymous, store),
    ...secondFactorCalls(api),
    signUp: async ({ email, password, displayName, timezone, locale }) =>
      enter(
        await call('sign_up', {
          email,
          password,
          ...(displayName !== undefined && { display_name: displayName }),
          ...(timezone !== undefined && { timezone }),
          ...(locale !== undefined && { locale }),
        }),
      ),
    signIn: async ({ email, password, deviceFingerprint, deviceName }) =>
      enter(
        await call('sign_in', {
          email,
          password,
          ...(deviceFingerprint !== undefined && { device_fingerprint: deviceFingerprint }),
          ...(deviceName !== undefined && { device_name: deviceName }),
        }),
      ),
    signInWithTotp: async ({ id, secret }, code) =>
      enter(await call('sign_in_with_totp', { challenge_id: id, challenge_secret: secret, code })),
    signInWithRecoveryCode: async ({ id, secret }, recoveryCode) =>
      enter(
        await call('sign_in_with_recovery_code', {
          challenge_id: id,
          challenge_secret: secret,
          recovery_code: recoveryCode,
        }),
      ),
    signInWithIdentity: async ({ token, nonce, deviceFingerprint, deviceName }) =>
      enter(
        await call('sign_in_with_identity', {
          token,
          ...(nonce !== undefined && { nonce }),
          ...(deviceFingerprint !== undefined && { device_fingerprint: deviceFingerprint }),
          ...(deviceName !== undefined && { device_name: deviceName }),
        }),
      ),
    signOut: async ({ onlyHere = false } = {}) => {
      if (!(await store.current())) return onlyHere ? { data: null, error: null } : noSession()
      const { error, status } = onlyHere ? { error: null, status: 0 } : await api.rpc('sign_out')
      // 401: the server does not know the session any more, which is what was asked for.
      if (error && status !== 401) return { data: null, error: toApiError(error, status) }
      if (await store.current()) await store.set('signed_out', null)
      return { data: null, error: null }
    },
    refresh,
    getSession: () => store.current(),
    getUser: async () => result(await api.rpc('me').single()),
    onStateChange: (listener) => store.listen(listener),
  }
}
