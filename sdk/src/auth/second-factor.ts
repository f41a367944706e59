/** A right password that is not enough: the challenge, and the error that carries it. */
import { z } from 'zod'
import { ApiError } from '../errors/api-error.ts'
import { CLIENT_ERRORS } from '../errors/client-error-keys.ts'

/** What sign_in answers where the account has a second factor. Not strict: a newer server may say more. */
export const receivedChallenge = z.object({
  status: z.literal('second_factor_required'),
  challenge_id: z.string().min(1),
  challenge_secret: z.string().min(1),
  expires_in: z.number(),
})

/** Half a sign-in. Keep it in memory only; signInWithTotp or signInWithRecoveryCode takes it. */
export type SignInChallenge = {
  id: string
  secret: string
  /** When it is worth nothing any more, by this machine's clock, in milliseconds since 1970. */
  expiresAt: number
}

const BRAND = Symbol.for('howdah.SecondFactorRequired')

/** The error of signIn that is none: the password was right, and a code has to follow. */
export class SecondFactorRequired extends ApiError {
  /** Private, so that no log that prints errors prints the secret. */
  readonly #challenge: SignInChallenge
  readonly [BRAND] = true

  constructor(challenge: SignInChallenge, status: number) {
    const detail = 'The password is right; the account asks for a code as well.'
    super({ key: 'second_factor_required', status, detail, hint: CLIENT_ERRORS.second_factor_required })
    this.#challenge = challenge
  }

  /** What the code is sent with. */
  get challenge(): SignInChallenge {
    return this.#challenge
  }
}

/**
 * Whether a sign-in waits for its second factor.
 * @example
 * const { error } = await client.auth.signIn({ email, password })
 * if (isSecondFactorRequired(error)) {
 *   await orThrow(client.auth.signInWithTotp(error.challenge, await askForCode()))
 * }
 */
export function isSecondFactorRequired(value: unknown): value is SecondFactorRequired {
  return value instanceof Error && BRAND in value
}

/** The error for a challenge that came at `now` (milliseconds since 1970). */
export function secondFactorRequired(
  { challenge_id: id, challenge_secret: secret, expires_in }: z.infer<typeof receivedChallenge>,
  now: number,
  status: number,
): SecondFactorRequired {
  return new SecondFactorRequired({ id, secret, expiresAt: now + expires_in * 1000 }, status)
}
