/** Access tokens that the API once could have made. */
import { decodeJwt, SignJWT } from 'jose'

/** The same token, signed with the same secret, but expired `seconds` ago. */
export async function expiredToken(token: string, secret: string, seconds: number): Promise<string> {
  const claims = decodeJwt(token)
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({ ...claims, iat: now - seconds - 900, exp: now - seconds })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(secret))
}
