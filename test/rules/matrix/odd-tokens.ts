/** Tokens with our signature and claims we would never write. */
import { SignJWT } from 'jose'
import type { TestDatabase } from '../../setup/database.ts'
import type { Person } from '../../setup/story.ts'

/** What the guard refuses, whatever is asked. */
export async function rejectedTokens(
  db: TestDatabase,
  a: Person,
  b: Person,
): Promise<Record<string, string>> {
  const sign = signer(db, a)
  return {
    'token without role': await sign({ role: undefined }),
    'token without exp': await sign({ exp: undefined }),
    'token for others': await sign({ aud: 'somebody else' }),
    'token of A as admin': await sign({ role: 'howdah_admin' }),
    'token of A naming B': await sign({ sub: b.id }),
    'token without session': await sign({ sid: undefined }),
  }
}

/** Claims the guard lets through, for the rest of the token is A's: what they say of organizations must give nothing. */
export function oddClaims(organizationOfB: string): Record<string, Record<string, unknown>> {
  return {
    'A claiming organization B': {
      organization_id: organizationOfB,
      organizations: { [organizationOfB]: 'owner' },
      app_metadata: { organization_id: organizationOfB, role: 'owner' },
    },
    'A with a string for an organization': {
      organization_id: "' or true --",
      org: '*',
      organizations: 'all',
    },
  }
}

/** Signs a token again, with some claims changed. */
export function signer(db: TestDatabase, { token }: Pick<Person, 'token'>) {
  const complete = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  const key = new TextEncoder().encode(db.target.secrets.jwt_secret)
  return (claims: Record<string, unknown>) =>
    new SignJWT({ ...complete, ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(key)
}
