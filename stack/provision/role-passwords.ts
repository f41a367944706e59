/** Gives the login roles the passwords this stack knows. */
import type pg from 'pg'
import { escapeIdentifier, escapeLiteral } from 'pg'
import type { Secrets } from '../secrets.ts'
import { scramVerifier } from './scram.ts'

/** Sets the passwords of howdah_migrations, howdah_authenticator and howdah_worker. Roles are cluster-wide. */
export async function setRolePasswords(client: pg.Client, secrets: Secrets): Promise<void> {
  const passwords = {
    howdah_migrations: secrets.migrations_password,
    howdah_authenticator: secrets.authenticator_password,
    howdah_worker: secrets.worker_password,
  }
  for (const [role, password] of Object.entries(passwords)) {
    await client.query(
      `alter role ${escapeIdentifier(role)} password ${escapeLiteral(scramVerifier(password))}`,
    )
  }
}
