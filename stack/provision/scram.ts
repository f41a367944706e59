/** Password verifiers made on our side, so that no plain password travels in SQL or lands in a server log. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/** Postgres' own default. Source: RFC 7677, scram_iterations. */
const ITERATIONS = 4096

/** What `alter role … password` accepts instead of the password itself. Source: RFC 5803, pg_authid.rolpassword. */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256')
  const hmac = (message: string) => createHmac('sha256', salted).update(message).digest()
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64')
  const serverKey = hmac('Server Key').toString('base64')
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}
