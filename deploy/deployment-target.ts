/** The database of a deployment, from the variables that docker-compose.yml demands. */
import { z } from 'zod'
import { connectionUrl } from '../stack/connection-url.ts'
import type { Target } from '../stack/provision/target.ts'
import { StackError } from '../stack/stack-error.ts'

/** Passwords stand inside URLs, where other characters would have to be escaped. */
const password = z
  .string({ error: 'is not set' })
  .min(16, 'is shorter than 16 characters')
  .regex(/^[A-Za-z0-9_-]+$/, 'has characters other than letters, digits, - and _')
const secret = z.string({ error: 'is not set' }).min(32, 'is shorter than 32 characters')

const environment = z.object({
  HOWDAH_DATABASE_HOST: z.string({ error: 'is not set' }).min(1),
  HOWDAH_SUPERUSER_PASSWORD: password,
  HOWDAH_MIGRATIONS_PASSWORD: password,
  HOWDAH_AUTHENTICATOR_PASSWORD: password,
  HOWDAH_WORKER_PASSWORD: password,
  HOWDAH_JWT_SECRET: secret,
  HOWDAH_ENCRYPTION_KEY: secret,
})

/**
 * Reads who logs in where; the values themselves are never repeated.
 * @throws settings_invalid naming each variable and its problem
 */
export function deploymentTarget(env: NodeJS.ProcessEnv): Target {
  const parsed = environment.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value)))
  if (!parsed.success) {
    throw new StackError(
      'settings_invalid',
      parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}.`).join('\n'),
      'Make one with: node -p "crypto.randomBytes(36).toString(\'base64url\')" (docs/deployment.md)',
    )
  }
  const given = parsed.data
  return {
    adminUrl: connectionUrl(`postgres://${given.HOWDAH_DATABASE_HOST}:5432/postgres`, {
      user: 'postgres',
      password: given.HOWDAH_SUPERUSER_PASSWORD,
    }),
    database: 'howdah',
    secrets: {
      superuser_password: given.HOWDAH_SUPERUSER_PASSWORD,
      migrations_password: given.HOWDAH_MIGRATIONS_PASSWORD,
      authenticator_password: given.HOWDAH_AUTHENTICATOR_PASSWORD,
      worker_password: given.HOWDAH_WORKER_PASSWORD,
      jwt_secret: given.HOWDAH_JWT_SECRET,
      encryption_key: given.HOWDAH_ENCRYPTION_KEY,
    },
  }
}
