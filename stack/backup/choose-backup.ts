/** Which backup a command means: the one named, or the best one for the purpose. */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { StackError } from '../stack-error.ts'
import { type Repository, repositories, type StoredBackup, storedBackups } from './repository.ts'

/** All backups in a folder, oldest first. */
export function allBackups(folder: string): StoredBackup[] {
  return repositories(folder)
    .flatMap(storedBackups)
    .sort((one, other) => one.at.getTime() - other.at.getTime())
}

/**
 * Finds the backup with this name, or in this folder; without a name the newest one that was finished before `before`.
 * @throws refused, saying what there is
 */
export function chooseBackup(folder: string, name?: string, before?: Date): StoredBackup {
  const all = name?.includes('/') ? backupsBeside(resolve(name)) : allBackups(folder)
  if (name) {
    const named = all.find(({ id, folder: its }) => id === name || its === resolve(name))
    if (named) return named
    throw none(
      `There is no backup ${name}${name.includes('/') ? '' : ` in ${folder}`}.`,
      'npm run backup:list shows what there is.',
    )
  }
  if (all.length === 0)
    throw none(
      `There is no backup in ${folder}.`,
      'Make one: npm run backup:create. Or name their folder: HOWDAH_BACKUP_DIR',
    )
  const usable = all.filter(({ problem }) => !problem)
  const inTime = usable.filter(({ manifest }) => !before || new Date(manifest?.finished_at ?? 0) <= before)
  const newest = inTime.at(-1)
  if (newest) return newest
  if (usable.length === 0)
    throw none(
      'All backups are known to be damaged.',
      'npm run backup:list says how. Name one to try it all the same.',
    )
  throw none(
    `No backup is older than ${before?.toISOString()}; the oldest one was finished at ${usable[0]?.manifest?.finished_at}.`,
    'A restore replays forward from a backup, so it needs one made before the moment. Choose a later moment.',
  )
}

/** A backup named by its path may lie anywhere, say on a disk that was brought here. */
function backupsBeside(folder: string): StoredBackup[] {
  const home = dirname(dirname(folder))
  const repository: Repository = { systemIdentifier: '', base: dirname(folder), wal: join(home, 'wal') }
  return existsSync(folder) ? storedBackups(repository) : []
}

function none(problem: string, remedy: string): StackError {
  return new StackError('refused', problem, remedy)
}
