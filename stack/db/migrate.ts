/** db:migrate: brings an existing database up to date and tells PostgREST. */
import { type MigrationReport, migrateDatabase } from '../provision/migrate.ts'
import { releaseToolPools } from '../provision/release-tool-pools.ts'
import { type Target, urlFor } from '../provision/target.ts'
import { tellSecret } from '../provision/tell-secret.ts'
import { withClient } from '../provision/with-client.ts'
import type { Settings } from '../settings.ts'

/** Migrates as the owner; needs no superuser once db:init has run. */
export async function migrateTarget(target: Target, settings: Settings): Promise<MigrationReport> {
  const ownerUrl = urlFor(target, 'howdah_migrations')
  const report = await migrateDatabase(settings.projectDir, ownerUrl).finally(() => releaseToolPools(target))
  // Undoing the first migration takes the secret with it.
  await tellSecret(target)
  await withClient(ownerUrl, (owner) => owner.query(`notify pgrst, 'reload schema'`))
  return report
}
