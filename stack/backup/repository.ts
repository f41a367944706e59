/**
 * Where backups lie: <backup folder>/<system identifier>/{base/<when>, wal}. A cluster that was begun anew has another
 * identifier, so its log never meets that of the one before.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OsUser } from '../postgres/os-user.ts'
import { canEnter } from '../postgres/reachable.ts'
import type { Settings } from '../settings.ts'
import { isStackError, StackError } from '../stack-error.ts'
import { PG_CONTROL } from './cluster-files.ts'
import { type BackupManifest, readManifest } from './manifest.ts'
import { readVerification, type Verification } from './verification.ts'

/** The backups of one cluster. */
export type Repository = { systemIdentifier: string; base: string; wal: string }

/** One base backup as it lies there. */
export type StoredBackup = {
  id: string
  folder: string
  /** When it was begun, as its name says. */
  at: Date
  repository: Repository
  manifest: BackupManifest | undefined
  verification: Verification | undefined
  /** Why it cannot be used, if that is known. */
  problem: string | undefined
}

/** The name of a backup is the time it was begun: 20261120T201003Z. */
const ID = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

/** Where this stack's backups go when nothing else is said. */
export function backupFolder(settings: Pick<Settings, 'backupDir' | 'dataDir'>): string {
  return settings.backupDir ?? join(settings.dataDir, 'backups')
}

/** A new backup's name. */
export function backupId(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d+/g, '')
}

/** Reads whose data folder this is. */
export function systemIdentifierOf(dataDir: string): string {
  return readFileSync(join(dataDir, PG_CONTROL)).readBigUInt64LE(0).toString()
}

/**
 * Makes the folders of a cluster's backups. The server itself writes into `wal`, so it has to get there.
 * @throws settings_invalid when it cannot
 */
export function prepareRepository(
  folder: string,
  systemIdentifier: string,
  user: OsUser | undefined,
): Repository {
  const repository = repositoryIn(folder, systemIdentifier)
  try {
    // 0711 for root: the OS user postgres passes through to its archive, and lists nothing.
    mkdirSync(join(folder, systemIdentifier), { recursive: true, mode: user ? 0o711 : 0o700 })
    mkdirSync(repository.base, { recursive: true, mode: 0o700 })
    mkdirSync(repository.wal, { recursive: true, mode: 0o700 })
    if (user) {
      chownSync(repository.wal, user.uid, user.gid)
      chmodSync(join(folder, systemIdentifier), 0o711)
    }
  } catch (cause) {
    throw unusable(folder, cause instanceof Error ? cause.message : String(cause), cause)
  }
  if (!canEnter(user, repository.wal)) {
    throw unusable(folder, 'the OS user "postgres", as whom the server runs, cannot pass through to it')
  }
  return repository
}

/** Every cluster that has backups in a folder. */
export function repositories(folder: string): Repository[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /^\d+$/.test(name))
    .sort()
    .map((name) => repositoryIn(folder, name))
}

/** A cluster's backups, oldest first; unfinished ones are not among them. */
export function storedBackups(repository: Repository): StoredBackup[] {
  if (!existsSync(repository.base)) return []
  return readdirSync(repository.base)
    .filter((name) => ID.test(name))
    .sort()
    .map((id) => storedBackup(repository, id))
}

function storedBackup(repository: Repository, id: string): StoredBackup {
  const folder = join(repository.base, id)
  const at = new Date(id.replace(ID, '$1-$2-$3T$4:$5:$6Z'))
  const verification = readVerification(folder)
  const known = { id, folder, at, repository, verification }
  try {
    return { ...known, manifest: readManifest(folder), problem: verification?.problem ?? undefined }
  } catch (error) {
    if (!isStackError(error)) throw error
    return { ...known, manifest: undefined, problem: error.message }
  }
}

function repositoryIn(folder: string, systemIdentifier: string): Repository {
  const home = join(folder, systemIdentifier)
  return { systemIdentifier, base: join(home, 'base'), wal: join(home, 'wal') }
}

function unusable(folder: string, problem: string, cause?: unknown): StackError {
  return new StackError(
    'settings_invalid',
    `Backups cannot be kept in ${folder}: ${problem}.`,
    'Give back the right to pass through every folder above it (chmod o+x), or name another place: HOWDAH_BACKUP_DIR',
    { cause },
  )
}
