/** Is a base backup what its manifest says? Every way in which it is not has a sentence. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { StackError } from '../stack-error.ts'
import { PG_CONTROL } from './cluster-files.ts'
import { type BackupManifest, DATA_FOLDER, readManifest } from './manifest.ts'

/**
 * Looks at what takes no time: that every file is there with its size, and that the copy is of the cluster it names. The
 * checksums are compared while the files are read (copy-back.ts).
 * @param serverMajor the Postgres that is to serve it
 * @throws backup_damaged, naming the file
 */
export function checkBaseBackup(folder: string, serverMajor: number): BackupManifest {
  const manifest = readManifest(folder)
  const data = join(folder, DATA_FOLDER)
  const backupMajor = Math.floor(manifest.server_version / 10_000)
  if (backupMajor !== serverMajor) {
    throw new StackError(
      'backup_damaged',
      `${folder} is a backup of Postgres ${backupMajor}, and the Postgres here is ${serverMajor}.`,
      `Name the folder of the programs of Postgres ${backupMajor}: HOWDAH_POSTGRES_BIN=/usr/lib/postgresql/${backupMajor}/bin`,
    )
  }
  for (const [path, { bytes }] of Object.entries(manifest.files)) {
    const found = statSync(join(data, path), { throwIfNoEntry: false })
    if (!found) throw damaged(folder, `${path} is missing`)
    if (found.size !== bytes) {
      throw damaged(
        folder,
        found.size === 0 ? `${path} is empty` : `${path} has ${found.size} of ${bytes} bytes`,
      )
    }
  }
  const major = Number.parseInt(readFileSync(join(data, 'PG_VERSION'), 'utf8'), 10)
  if (major !== backupMajor)
    throw damaged(folder, `its files are of Postgres ${major}, its manifest says ${backupMajor}`)
  const identifier = readFileSync(join(data, PG_CONTROL)).readBigUInt64LE(0).toString()
  if (identifier !== manifest.system_identifier)
    throw damaged(folder, 'its files are of another server than its manifest')
  return manifest
}

/** The error for a backup that cannot be trusted. */
export function damaged(folder: string, problem: string): StackError {
  return new StackError(
    'backup_damaged',
    `The backup ${folder} is damaged: ${problem}.`,
    'Use another one (npm run backup:list). Make a new one: npm run backup:create; then look at the disk.',
  )
}
