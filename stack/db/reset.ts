/** db:reset: drops the database with everything in it and makes it anew. */
import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { escapeIdentifier } from 'pg'
import { MAINTENANCE_DATABASE, type ProvisionReport } from '../provision/provision.ts'
import { adminUrlFor, type Target } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import type { Settings } from '../settings.ts'
import { initDatabase } from './init.ts'

/** Drops (ending all sessions) and provisions. A running PostgREST and worker reconnect by themselves. */
export async function resetDatabase(target: Target, settings: Settings): Promise<ProvisionReport> {
  await dropDatabase(target)
  setSealsAside(settings.dataDir)
  return initDatabase(target, settings)
}

/** They belong to the database that is gone: the worker would find that they differ and seal nothing of the new one. */
function setSealsAside(dataDir: string): void {
  const path = join(dataDir, 'audit-seals.jsonl')
  const moment = new Date().toISOString().replaceAll(':', '')
  if (existsSync(path)) renameSync(path, join(dataDir, `audit-seals.until-${moment}.jsonl`))
}

/** Drops the target's database if it exists. */
export async function dropDatabase(target: Target): Promise<void> {
  await withClient(adminUrlFor(target, MAINTENANCE_DATABASE), (admin) =>
    admin.query(`drop database if exists ${escapeIdentifier(target.database)} with (force)`),
  )
}
