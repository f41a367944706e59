/** What people do with their account once they have one, and on the way to having one. */
import type { PostgrestClient } from '@supabase/postgrest-js'
import type { Database, Json } from '../generated/database.ts'
import type { IdentityLinked, MailQueued, SessionsEnded } from '../generated/shapes.ts'
import { nothing, result } from './call-result.ts'
import type { Result } from './session-calls.ts'
import type { SessionStore } from './session-store.ts'

type Api = PostgrestClient<Database, { PostgrestVersion: '12' }, 'api'>

/** An account, as the view users shows it. */
export type Account = Database['api']['Views']['users']['Row']

/** What updateProfile takes; what is left out stays as it is. */
export type ProfileChanges = {
  /** The empty text takes it away, here and in the next two. */
  displayName?: string
  fullName?: string
  /** An https address. */
  avatarUrl?: string
  /** IANA zone. */
  timezone?: string
  /** Language tag. */
  locale?: string
  /** Merged into what there is, key by key; null takes a key away. */
  preferences?: { [key: string]: Json }
  hasOnboarded?: boolean
}

/** What linkIdentity takes. */
export type IdentityLink = {
  /** An id_token of the identity to link. */
  token: string
  /** The account's password; where it has none, a fresh id_token of an identity it has. */
  password: string
  /** The nonce the token was asked for with, exactly when there was one. */
  nonce?: string
  /** A code of the authenticator app or a recovery code, where the second factor is on. */
  code?: string
}

/** Address, password, profile and sessions of an account. */
export type AccountCalls = {
  /** Confirms an address with the token of a mail's link; after signUp this opens the account. Needs no session. */
  verifyEmail(token: string): Promise<Result<null>>
  /** Asks for a mail that confirms one's own address. */
  requestEmailVerification(): Promise<Result<MailQueued>>
  /** Asks for a mail that sets a new password; the same answer whether or not the address has an account. */
  requestPasswordReset(email: string): Promise<Result<MailQueued>>
  /** Sets a new password with the token of a mail's link and ends every session. Needs no session. */
  resetPassword(token: string, newPassword: string): Promise<Result<SessionsEnded>>
  /** Changes the password and ends every other session. */
  changePassword(currentPassword: string, newPassword: string): Promise<Result<SessionsEnded>>
  /** Asks to move the account to another address; verifyEmail with the token mailed there does it. */
  changeEmail(password: string, newEmail: string): Promise<Result<MailQueued>>
  /** Changes the profile; answers with the account as it is now. */
  updateProfile(changes: ProfileChanges): Promise<Result<Account>>
  /** Ends one of one's own sessions; the view sessions lists them. */
  endSession(sessionId: string): Promise<Result<null>>
  /** Links an identity of an outside issuer to the account; from then on it signs in. */
  linkIdentity(link: IdentityLink): Promise<Result<IdentityLinked>>
  /** Takes one of one's identities away (the view identities lists them); other sessions end. */
  unlinkIdentity(identityId: string, password: string): Promise<Result<SessionsEnded>>
  /** Ends every session, this one too. */
  signOutEverywhere(): Promise<Result<SessionsEnded>>
}

/** Puts the calls together. `anonymous` sends no token: a session that has ended must not stand in a link's way. */
export function accountCalls(api: Api, anonymous: Api, store: SessionStore): AccountCalls {
  return {
    verifyEmail: async (token) => nothing(await anonymous.rpc('verify_email', { token })),
    requestEmailVerification: async () => result(await api.rpc('request_email_verification')),
    requestPasswordReset: async (email) => result(await anonymous.rpc('request_password_reset', { email })),
    resetPassword: async (token, newPassword) =>
      result(await anonymous.rpc('reset_password', { token, new_password: newPassword })),
    changePassword: async (currentPassword, newPassword) =>
      result(
        await api.rpc('change_password', { current_password: currentPassword, new_password: newPassword }),
      ),
    changeEmail: async (password, newEmail) =>
      result(await api.rpc('change_email', { password, new_email: newEmail })),
    updateProfile: async (changes) =>
      result(await api.rpc('update_profile', profileArguments(changes)).single()),
    endSession: async (sessionId) => nothing(await api.rpc('end_session', { session_id: sessionId })),
    linkIdentity: async ({ token, password, nonce, code }) =>
      result(
        await api.rpc('link_identity', {
          token,
          password,
          ...(nonce !== undefined && { nonce }),
          ...(code !== undefined && { code }),
        }),
      ),
    unlinkIdentity: async (identityId, password) =>
      result(await api.rpc('unlink_identity', { identity_id: identityId, password })),
    signOutEverywhere: async () => {
      const answer = result(await api.rpc('sign_out_everywhere'))
      if (answer.data && (await store.current())) await store.set('signed_out', null)
      return answer
    },
  }
}

function profileArguments(changes: ProfileChanges) {
  const { displayName, fullName, avatarUrl, timezone, locale, preferences, hasOnboarded } = changes
  return {
    ...(displayName !== undefined && { display_name: displayName }),
    ...(fullName !== undefined && { full_name: fullName }),
    ...(avatarUrl !== undefined && { avatar_url: avatarUrl }),
    ...(timezone !== undefined && { timezone }),
    ...(locale !== undefined && { locale }),
    ...(preferences !== undefined && { preferences }),
    ...(hasOnboarded !== undefined && { has_onboarded: hasOnboarded }),
  }
}
