/** One more base backup of a server, in its repository, noted in its database. */
import { join } from 'node:path'
import { adminUrlFor } from '../provision/target.ts'
import { recordBackups } from './record-backups.ts'
import { backupId, type StoredBackup, storedBackups } from './repository.ts'
import type { BackupSource } from './source.ts'
import { takeBaseBackup } from './take-base-backup.ts'

/** Makes and notes it. */
export async function createBackup(source: BackupSource): Promise<StoredBackup> {
  const { target, dataDir, repository } = source
  const id = backupId(new Date())
  const into = join(repository.base, id)
  await takeBaseBackup({ dataDir, connectionString: adminUrlFor(target, target.database), into })
  await recordBackups(target, repository)
  const made = storedBackups(repository).find((backup) => backup.id === id)
  if (!made) throw new Error(`The backup ${into} vanished.`)
  return made
}
