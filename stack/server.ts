/** The Postgres a command works with: the embedded one, started here, or the one HOWDAH_DATABASE_URL names. */
import { archiveParameters } from './backup/archive-command.ts'
import { prepareRepository, systemIdentifierOf } from './backup/repository.ts'
import { connectionUrl, databaseOf } from './connection-url.ts'
import { postgresBinaries } from './postgres/binaries.ts'
import { clusterFolder } from './postgres/cluster-folder.ts'
import { initCluster } from './postgres/init-cluster.ts'
import { launchPostgres, type RunningServer } from './postgres/launch.ts'
import { type OsUser, postgresOsUser } from './postgres/os-user.ts'
import { adminUrlFor, type Target } from './provision/target.ts'
import { withClient } from './provision/with-client.ts'
import type { Secrets } from './secrets.ts'
import { judgeVersion, type ServerVersion } from './server-version.ts'
import type { Settings } from './settings.ts'

/** The database's name where nothing else names one. */
export const DEFAULT_DATABASE = 'howdah'

/** What the development server preloads and logs; durability stays as Postgres ships it. */
const DEVELOPMENT_PARAMETERS: Record<string, string> = {
  shared_preload_libraries: 'pg_stat_statements',
  log_line_prefix: '%m [%p] %q%u@%d ',
}

/** A running embedded Postgres and the target on it. */
export type EmbeddedServer = {
  server: RunningServer
  target: Target
  isNewCluster: boolean
  /** Where its files lie. */
  folder: string
}

/** Makes the cluster if there is none and serves it. `say` hears what a person should know. */
export async function startEmbeddedServer(
  settings: Settings,
  secrets: Secrets,
  port: number,
  say: (line: string) => void,
  log: (line: string) => void,
): Promise<EmbeddedServer> {
  const user = postgresOsUser(say)
  const folder = clusterFolder(settings.dataDir, user)
  const binaries = postgresBinaries(user)
  const superuserPassword = secrets.superuser_password
  const isNewCluster = await initCluster({ folder, binaries, user, superuserPassword, isDurable: true })
  const server = await launchPostgres({
    folder,
    binaries,
    user,
    port,
    parameters: { ...DEVELOPMENT_PARAMETERS, ...archiving(settings, folder, user) },
    log,
  })
  const target = embeddedTarget(port, secrets)
  if (settings.backupDir) await wakeArchiving(target)
  return { server, target, isNewCluster, folder }
}

/** Where backups have a folder, each start archives: a start that did not would leave a gap in the log. */
function archiving(settings: Settings, folder: string, user: OsUser | undefined): Record<string, string> {
  if (!settings.backupDir) return {}
  return archiveParameters(prepareRepository(settings.backupDir, systemIdentifierOf(folder), user).wal)
}

/** The checkpointer, which minds archive_timeout, sleeps five minutes after a start, whatever the timeout, unless woken. */
async function wakeArchiving(target: Target): Promise<void> {
  await withClient(adminUrlFor(target, 'postgres'), (admin) => admin.query('select pg_reload_conf()'))
}

/** The target on an embedded Postgres that serves on `port`. */
export function embeddedTarget(port: number, secrets: Secrets): Target {
  const adminUrl = connectionUrl(`postgres://127.0.0.1:${port}/postgres`, {
    user: 'postgres',
    password: secrets.superuser_password,
  })
  return { adminUrl, database: DEFAULT_DATABASE, secrets }
}

/** The target HOWDAH_DATABASE_URL names; a URL that names `postgres` or nothing means the database `howdah`. */
export function externalTarget(databaseUrl: string, secrets: Secrets): Target {
  const named = databaseOf(databaseUrl)
  const database = named === undefined || named === 'postgres' ? DEFAULT_DATABASE : named
  return { adminUrl: databaseUrl, database, secrets }
}

/** Asks the server who it is. */
export function serverVersion(target: Target): Promise<ServerVersion> {
  return withClient(adminUrlFor(target, 'postgres'), async (client) => {
    const { rows } = await client.query<{ number: number }>(
      `select current_setting('server_version_num')::int as number`,
    )
    return judgeVersion(rows[0]?.number ?? 0)
  })
}
