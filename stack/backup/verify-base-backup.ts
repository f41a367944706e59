/** The only proof of a backup: restored on a server of its own, compared, and thrown away. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withClient } from '../provision/with-client.ts'
import { isStackError, StackError } from '../stack-error.ts'
import { checkBaseBackup } from './check-base-backup.ts'
import { checkIndexes } from './check-indexes.ts'
import { differences, readFigures } from './figures.ts'
import type { BackupManifest } from './manifest.ts'
import type { Programs } from './programs.ts'
import { removeAtExit } from './remove-at-exit.ts'
import { restoreBaseBackup } from './restore-base-backup.ts'
import { type Verification, writeVerification } from './verification.ts'
import { checkWalArchive } from './wal-archive.ts'

/** What to verify. */
export type VerifyOptions = {
  /** The backup's folder; verification.json is written there. */
  from: string
  /** The archive that follows it, which is read to its end. */
  walArchive?: string | undefined
  programs: Programs
  /** Needs room for the whole copy. (Default: the system's temporary folder) */
  scratch?: string | undefined
  /** The cluster it has to be of, where that is known. */
  systemIdentifier?: string | undefined
}

/** More would fill the screen; the first ones say where to look. */
const TOLD_DIFFERENCES = 5

/**
 * Verifies, and notes the outcome beside the manifest whatever it is.
 * @returns the note; its `problem` is null when all is well
 */
export async function verifyBaseBackup(options: VerifyOptions): Promise<Verification> {
  const from = performance.now()
  const note: Verification = {
    verified_at: new Date().toISOString(),
    problem: null,
    seconds: 0,
    table_count: 0,
    row_count: 0,
    index_count: 0,
    segment_count: 0,
  }
  try {
    Object.assign(note, await restoreAndCompare(options))
  } catch (error) {
    // What stands in the way here says nothing about the backup.
    if (!isStackError(error) || !['backup_damaged', 'restore_failed', 'start_failed'].includes(error.code))
      throw error
    note.problem = error.message
  }
  note.seconds = Math.round((performance.now() - from) / 100) / 10
  writeVerification(options.from, note)
  return note
}

async function restoreAndCompare(options: VerifyOptions): Promise<Partial<Verification>> {
  const { from, walArchive, programs } = options
  const manifest = checkBaseBackup(from, programs.major)
  if (options.systemIdentifier && options.systemIdentifier !== manifest.system_identifier) {
    throw new StackError(
      'backup_damaged',
      `${from} is a backup of another server (${manifest.system_identifier}) than this one (${options.systemIdentifier}).`,
      'Has somebody copied it here? Make one of this server: npm run backup:create',
    )
  }
  const segmentCount = walArchive ? await checkWalArchive(walArchive, manifest) : 0
  const scratch = mkdtempSync(join(options.scratch ?? tmpdir(), 'howdah-verify-'))
  chmodSync(scratch, 0o711)
  const finished = removeAtExit(scratch)
  try {
    const found: Partial<Verification> = { segment_count: segmentCount }
    const target = { kind: 'restore point', name: manifest.restore_point.name } as const
    const into = join(scratch, 'data')
    await restoreBaseBackup(
      { from, into, walArchive, target, programs, steps: [], isThrowaway: true },
      async (adminUrl) => {
        Object.assign(found, await compare(adminUrl, manifest))
      },
    )
    return found
  } finally {
    rmSync(scratch, { recursive: true, force: true })
    finished()
  }
}

async function compare(adminUrl: string, manifest: BackupManifest): Promise<Partial<Verification>> {
  const figures = await withClient(adminUrl, async (client) => {
    await client.query('begin isolation level repeatable read read only')
    return readFigures(client)
  })
  const differing = differences(manifest.figures, figures)
  if (differing.length > 0) {
    const more = differing.length - TOLD_DIFFERENCES
    throw new StackError(
      'backup_damaged',
      `The restored copy differs from what was backed up: ${differing.slice(0, TOLD_DIFFERENCES).join('; ')}` +
        `${more > 0 ? `; and ${more} more` : ''}.`,
      'Do not rely on this backup. Make another one, and verify it: npm run backup:create',
    )
  }
  const tables = Object.values(figures.tables)
  return {
    table_count: tables.length,
    row_count: tables.reduce((sum, { count }) => sum + count, 0),
    index_count: await checkIndexes(adminUrl, manifest.databases),
  }
}
