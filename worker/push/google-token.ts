/**
 * Access tokens for a Google service account: a signed assertion traded for a token.
 * Source: https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 */
import { importPKCS8, SignJWT } from 'jose'
import { z } from 'zod'
import type { Post } from '../outgoing/post-result.ts'
import { type BearerTokens, keptToken } from './bearer-token.ts'

/** The file that the Firebase console gives for a service account; what else stands in it is not needed. */
export const serviceAccount = z.object({
  project_id: z.string().min(1),
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  token_uri: z.url({ protocol: /^https$/ }).default('https://oauth2.googleapis.com/token'),
})

/** A service account. */
export type ServiceAccount = z.infer<typeof serviceAccount>

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'
/** Exchanged before Google lets it expire. */
const MARGIN_MS = 5 * 60_000

const granted = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() })

/** Access tokens of an account, fetched through `post`. */
export function googleTokens(account: ServiceAccount, post: Post): BearerTokens {
  return keptToken(async (signal) => {
    const key = await importPKCS8(account.private_key, 'RS256')
    const assertion = await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(account.client_email)
      .setAudience(account.token_uri)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(key)
    const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })
    const result = await post(
      {
        url: account.token_uri,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: Buffer.from(form.toString()),
      },
      signal,
    )
    if (result.kind !== 'answer') throw new Error(`Google gave no access token: ${result.error}`)
    if (result.status !== 200) {
      throw new Error(
        `Google gave no access token, but status ${result.status}: ${result.body.slice(0, 200)}`,
      )
    }
    const { access_token, expires_in } = granted.parse(JSON.parse(result.body))
    return { token: access_token, lifetimeMs: Math.max(expires_in * 1000 - MARGIN_MS, 0) }
  })
}
