/** Turning the second factor on and off, for whoever is signed in. */
import type { PostgrestClient } from '@supabase/postgrest-js'
import type { Database } from '../generated/database.ts'
import type { RecoveryCodes, SecondFactorState, SessionsEnded, TotpEnrollment } from '../generated/shapes.ts'
import { result } from './call-result.ts'
import type { Result } from './session-calls.ts'

type Api = PostgrestClient<Database, { PostgrestVersion: '12' }, 'api'>

/** Authenticator app and recovery codes of an account. */
export type SecondFactorCalls = {
  /** Begins to set up an authenticator app; `uri` is for the QR code. Nothing changes before confirmTotpEnrollment. */
  startTotpEnrollment(password: string): Promise<Result<TotpEnrollment>>
  /** Turns it on with a code of the app. The recovery codes are shown this once; other sessions end. */
  confirmTotpEnrollment(code: string): Promise<Result<RecoveryCodes>>
  /** Turns it off, with a code of the app or a recovery code; other sessions end. */
  disableTotp(password: string, code: string): Promise<Result<SessionsEnded>>
  /** Makes ten new recovery codes; the old ones are void. */
  regenerateRecoveryCodes(password: string, code: string): Promise<Result<RecoveryCodes>>
  /** Whether it is on, and how many recovery codes are left. */
  secondFactorState(): Promise<Result<SecondFactorState>>
}

/** Puts the calls together. */
export function secondFactorCalls(api: Api): SecondFactorCalls {
  return {
    startTotpEnrollment: async (password) => result(await api.rpc('start_totp_enrollment', { password })),
    confirmTotpEnrollment: async (code) => result(await api.rpc('confirm_totp_enrollment', { code })),
    disableTotp: async (password, code) => result(await api.rpc('disable_totp', { password, code })),
    regenerateRecoveryCodes: async (password, code) =>
      result(await api.rpc('regenerate_recovery_codes', { password, code })),
    secondFactorState: async () => result(await api.rpc('second_factor_state')),
  }
}
