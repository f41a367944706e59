/** From an empty server to a database that PostgREST and the worker can use. Every step can be repeated. */

import { Logger, runMigrations } from 'graphile-worker'
import { runAfterReset } from './after-reset.ts'
import { createDatabase } from './create-database.ts'
import { type MigrationReport, migrateDatabase } from './migrate.ts'
import { releaseToolPools } from './release-tool-pools.ts'
import { setRolePasswords } from './role-passwords.ts'
import { adminUrlFor, type Target, urlFor } from './target.ts'
import { tellSecret } from './tell-secret.ts'
import { withClient } from './with-client.ts'

/** What was done. */
export type ProvisionReport = MigrationReport & { isNew: boolean }

/** The database one is connected to while making or dropping another. */
export const MAINTENANCE_DATABASE = 'postgres'

/**
 * Creates the database if needed, its roles, extensions and passwords, the job queue's schema and ours, and tells the
 * database the secret it signs access tokens with. Two of these on one server wait for each other.
 * @throws server_unreachable, migration_failed
 */
export async function provision(target: Target, projectDir: string): Promise<ProvisionReport> {
  return withClient(adminUrlFor(target, MAINTENANCE_DATABASE), async (admin) => {
    // Roles belong to the whole server: two provisioners at once would update the same rows of pg_authid.
    await admin.query(`select pg_advisory_lock(hashtextextended('howdah:provision', 0))`)
    const isNew = await createDatabase(admin, target.database)
    await runAfterReset(target, projectDir)
    await setRolePasswords(admin, target.secrets)
    await runMigrations({
      connectionString: urlFor(target, 'howdah_worker'),
      logger: new Logger(() => () => {}),
    })
    const ownerUrl = urlFor(target, 'howdah_migrations')
    const report = await migrateDatabase(projectDir, ownerUrl).finally(() => releaseToolPools(target))
    await tellSecret(target)
    return { ...report, isNew }
  })
}
