/** The server that a backup command works with: its data folder on this machine, its login, and where its backups go. */
import { withTarget } from '../db/with-target.ts'
import { clusterFolder } from '../postgres/cluster-folder.ts'
import { type OsUser, postgresOsUser } from '../postgres/os-user.ts'
import { adminUrlFor, type Target } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import type { Settings } from '../settings.ts'
import { backupFolder, prepareRepository, type Repository } from './repository.ts'

/** A server that can be backed up. */
export type BackupSource = {
  target: Target
  dataDir: string
  repository: Repository
  user: OsUser | undefined
  /** Whether it hands its log to the archive in `repository`. */
  isArchiving: boolean
  retentionDays: number
}

/**
 * Finds the server, or starts the embedded one for this, and works with it.
 * @param dataFolder where an external server's data folder lies on this machine (Default: where the server says)
 */
export function withSource<T>(
  settings: Settings,
  dataFolder: string | undefined,
  work: (source: BackupSource) => Promise<T>,
): Promise<T> {
  return withTarget(settings, async (target) => {
    const user = postgresOsUser(console.error)
    const facts = await factsOf(target)
    const dataDir =
      dataFolder ?? (settings.databaseUrl ? facts.data_directory : clusterFolder(settings.dataDir, user))
    const repository = prepareRepository(backupFolder(settings), facts.system_identifier, user)
    const isArchiving = facts.archive_command.includes(
      repository.wal.replaceAll("'", `'\\''`).replaceAll('%', '%%'),
    )
    return work({ target, dataDir, repository, user, isArchiving, retentionDays: facts.retention_days })
  })
}

type Facts = {
  data_directory: string
  system_identifier: string
  archive_command: string
  retention_days: number
}

async function factsOf(target: Target): Promise<Facts> {
  return withClient(adminUrlFor(target, target.database), async (client) => {
    const { rows } = await client.query<Facts>(
      `select current_setting('data_directory') as data_directory,
         (select system_identifier::text from pg_control_system()) as system_identifier,
         case when current_setting('archive_mode') = 'off' then '' else current_setting('archive_command') end
           as archive_command,
         core.setting('backup_retention_days')::int as retention_days`,
    )
    const row = rows[0]
    if (!row) throw new Error('The server said nothing about itself.')
    return row
  })
}
