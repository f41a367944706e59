/** db:reset: drops the database with everything in it and makes it anew. */
import { escapeIdentifier } from 'pg'
import { MAINTENANCE_DATABASE, type ProvisionReport } from '../provision/provision.ts'
import { adminUrlFor, type Target } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import type { Settings } from '../settings.ts'
import { initDatabase } from './init.ts'

/** Drops (ending all sessions) and provisions. A running PostgREST and worker reconnect by themselves. */
export async function resetDatabase(target: Target, settings: Settings): Promise<ProvisionReport> {
  await dropDatabase(target)
  return initDatabase(target, settings)
}

/** Drops the target's database if it exists. */
export async function dropDatabase(target: Target): Promise<void> {
  await withClient(adminUrlFor(target, MAINTENANCE_DATABASE), (admin) =>
    admin.query(`drop database if exists ${escapeIdentifier(target.database)} with (force)`),
  )
}
