/** A database to provision, and the URLs of those who log in to it. */
import { connectionUrl } from '../connection-url.ts'
import type { Secrets } from '../secrets.ts'

/** The roles that can log in. The others (anon, user, admin …) are reached through these. */
export type LoginRole = 'howdah_migrations' | 'howdah_authenticator' | 'howdah_worker'

/** One database on one server. */
export type Target = {
  /** A superuser's URL on that server; which database it names does not matter. */
  adminUrl: string
  database: string
  secrets: Secrets
}

/** The URL one logs in with as `role`. */
export function urlFor(target: Target, role: LoginRole): string {
  const passwords = {
    howdah_migrations: target.secrets.migrations_password,
    howdah_authenticator: target.secrets.authenticator_password,
    howdah_worker: target.secrets.worker_password,
  }
  return connectionUrl(target.adminUrl, { user: role, password: passwords[role], database: target.database })
}

/** The superuser's URL of the target database, or of another one on the same server. */
export function adminUrlFor(target: Pick<Target, 'adminUrl'>, database: string): string {
  return connectionUrl(target.adminUrl, { database })
}
