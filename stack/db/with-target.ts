/** Which database a db:* or seeds:* command works on: the one named, the running stack's, or ours started for its sake. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { openLog } from '../log-file.ts'
import { clusterFolder } from '../postgres/cluster-folder.ts'
import { postgresOsUser } from '../postgres/os-user.ts'
import { MAINTENANCE_DATABASE } from '../provision/provision.ts'
import { adminUrlFor, type Target } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import { runningStack } from '../run-file.ts'
import { loadSecrets, type Secrets } from '../secrets.ts'
import { embeddedTarget, externalTarget, startEmbeddedServer } from '../server.ts'
import type { Settings } from '../settings.ts'
import { StackError } from '../stack-error.ts'

/** What a command may expect. */
export type TargetNeeds = {
  /** True for commands that make the database; the others refuse when there is none. (Default: false) */
  mayCreate?: boolean
}

/**
 * Finds the database, works with it, and stops the embedded Postgres again if it was started for this.
 * @throws refused when there is no database yet; server_unreachable
 */
export async function withTarget<T>(
  settings: Settings,
  work: (target: Target) => Promise<T>,
  needs: TargetNeeds = {},
): Promise<T> {
  const mayCreate = needs.mayCreate ?? false
  if (settings.databaseUrl) {
    const target = externalTarget(settings.databaseUrl, loadSecrets(settings))
    if (!mayCreate) await demandDatabase(target)
    return work(target)
  }
  const running = runningStack(settings.dataDir)
  if (running?.ports.database) {
    const target = embeddedTarget(running.ports.database, loadSecrets(settings))
    if (!mayCreate) await demandDatabase(target)
    return work(target)
  }
  if (!mayCreate && !hasCluster(settings)) throw noDatabase(settings.dataDir)
  return withEmbedded(settings, loadSecrets(settings), async (target) => {
    if (!mayCreate) await demandDatabase(target)
    return work(target)
  })
}

async function withEmbedded<T>(
  settings: Settings,
  secrets: Secrets,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  const log = openLog(settings.dataDir, 'postgres')
  const port = settings.dbPort ?? (await freePort())
  const { server, target } = await startEmbeddedServer(settings, secrets, port, console.error, log)
  try {
    return await work(target)
  } finally {
    await server.stop()
  }
}

function hasCluster(settings: Settings): boolean {
  if (!existsSync(settings.dataDir)) return false
  return existsSync(join(clusterFolder(settings.dataDir, postgresOsUser(console.error)), 'PG_VERSION'))
}

async function demandDatabase(target: Target): Promise<void> {
  const exists = await withClient(adminUrlFor(target, MAINTENANCE_DATABASE), async (admin) => {
    const { rowCount } = await admin.query('select 1 from pg_database where datname = $1', [target.database])
    return rowCount === 1
  })
  if (!exists) throw noDatabase(`${new URL(target.adminUrl).host}, database "${target.database}"`)
}

function noDatabase(where: string): StackError {
  return new StackError(
    'refused',
    `There is no database yet in ${where}.`,
    'npm start makes one and starts everything; npm run db:init only makes it.',
  )
}
