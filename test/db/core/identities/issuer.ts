/** An outside issuer made with npm jose: an implementation of somebody else's to check ours against. */
import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import type { TestDatabase } from '../../../setup/database.ts'

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey']

/** One of an issuer's keys; `jwk` is the public half. */
export type IssuerKey = { kid: string; privateKey: PrivateKey; jwk: JWK }

/** Claims that replace or, when undefined, remove the usual ones. */
export type Claims = { [name: string]: unknown }

/** Who vouches. */
export type Issuer = {
  issuer: string
  keys: IssuerKey[]
  /** A token as it should be; `claims` change it, `header` too, `key` signs in place of the first one. */
  token(claims?: Claims, header?: Claims, key?: IssuerKey): Promise<string>
}

/** The audience of all tests. */
export const AUDIENCE = 'howdah-app'

/** Makes a key pair. (Default: 2048 bits) */
export async function makeKey(kid: string = randomUUID(), modulusLength = 2048): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { modulusLength, extractable: true })
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } }
}

/** Makes an issuer with one key. `now` is its clock, in milliseconds since 1970. */
export async function makeIssuer(issuer = `https://issuer-${randomUUID()}.example`): Promise<Issuer> {
  const keys = [await makeKey()]
  return {
    issuer,
    keys,
    token: async (claims = {}, header = {}, key = keys[0]) => {
      if (!key) throw new Error('The issuer has no key.')
      const now = Math.floor(Date.now() / 1000)
      const usual = {
        iss: issuer,
        aud: AUDIENCE,
        sub: randomUUID(),
        iat: now,
        exp: now + 600,
        jti: randomUUID(),
      }
      return await new SignJWT({ ...usual, ...claims } as JWTPayload)
        .setProtectedHeader({ alg: 'RS256', kid: key.kid, ...header })
        .sign(key.privateKey)
    },
  }
}

/** Claims of a person whose address the issuer has proven. */
export function person(name: string): Claims {
  return { sub: `subject-${name}`, email: `${name}@example.com`, email_verified: true, name, locale: 'de' }
}

/** Has the database believe an issuer, with its keys, as operator and worker together would. */
export async function believe(db: TestDatabase, issuer: Issuer, isEmailTrusted = true): Promise<void> {
  await db.owner.query('select ops.add_identity_issuer($1, $2, $3, $4)', [
    issuer.issuer,
    [AUDIENCE],
    'https://issuer.example/jwks',
    isEmailTrusted,
  ])
  await publish(db, issuer)
}

/** The issuer's keys, as the worker hands them over. */
export async function publish(db: TestDatabase, issuer: Issuer): Promise<number> {
  const { rows } = await db
    .as('howdah_worker')
    .query<{ usable: number }>('select core.store_identity_keys($1, $2) as usable', [
      issuer.issuer,
      JSON.stringify(issuer.keys.map(({ jwk }) => jwk)),
    ])
  return rows[0]?.usable ?? 0
}
