/** An authenticator app of its own making (npm otpauth), so that our codes are checked against somebody else's. */
import { Secret, TOTP, URI } from 'otpauth'
import { expect } from 'vitest'
import type { TestApi } from '../../../setup/api.ts'
import type { TestDatabase } from '../../../setup/database.ts'
import { type Person, type SignUpArguments, signUp } from '../../../setup/story.ts'

/** Shows the code of an instant; by default of the moment, `ahead` seconds from now. */
export type Authenticator = (ahead?: number) => string

/** An app that has read the QR code. */
export function authenticator(uri: string): Authenticator {
  const totp = URI.parse(uri)
  if (!(totp instanceof TOTP)) throw new Error(`${uri} is no TOTP address`)
  return (ahead = 0) => totp.generate({ timestamp: Date.now() + ahead * 1000 })
}

/** An app that was told the secret by hand. */
export function authenticatorOf(secret: string): Authenticator {
  const totp = new TOTP({ secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: 30 })
  return (ahead = 0) => totp.generate({ timestamp: Date.now() + ahead * 1000 })
}

/** Somebody whose address is confirmed, without which there is no second factor. */
export async function signUpConfirmed(
  api: TestApi,
  db: TestDatabase,
  given?: SignUpArguments,
): Promise<Person> {
  const person = await signUp(api, given)
  await db.owner.query('update core.users set email_verified_at = now() where id = $1', [person.id])
  return person
}

/** Somebody with the second factor on. `recoveryCodes` are unused. */
export type Guarded = Person & { app: Authenticator; recoveryCodes: string[] }

/** Signs somebody up and turns the second factor on; the code of this half minute is used then. */
export async function signUpGuarded(api: TestApi, db: TestDatabase): Promise<Guarded> {
  const person = await signUpConfirmed(api, db)
  const started = await api.rpc('start_totp_enrollment', { password: person.password }, person.token)
  expect(started.status, JSON.stringify(started.body)).toBe(200)
  const app = authenticator(started.body.uri)
  const confirmed = await api.rpc('confirm_totp_enrollment', { code: app() }, person.token)
  expect(confirmed.status, JSON.stringify(confirmed.body)).toBe(200)
  return { ...person, app, recoveryCodes: confirmed.body.recovery_codes }
}

/** The challenge a right password is answered with. */
export async function challengeFor(api: TestApi, person: Person, device: Record<string, string> = {}) {
  const answer = await api.rpc('sign_in', { email: person.email, password: person.password, ...device })
  expect([answer.status, answer.body.status]).toEqual([202, 'second_factor_required'])
  const { challenge_id, challenge_secret } = answer.body
  return { challenge_id, challenge_secret } as { challenge_id: string; challenge_secret: string }
}
