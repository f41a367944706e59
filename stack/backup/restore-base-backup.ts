/** From a backup to a data folder that a server can start on: copied, checked, replayed, and cleansed by the steps. */
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { canEnter } from '../postgres/reachable.ts'
import { withClient } from '../provision/with-client.ts'
import { isStackError, StackError } from '../stack-error.ts'
import { AFTER_RESTORE_STEPS, type AfterRestoreStep } from './after-restore.ts'
import { checkBaseBackup } from './check-base-backup.ts'
import { copyBack } from './copy-back.ts'
import type { BackupManifest } from './manifest.ts'
import { type Programs, postgresPrograms } from './programs.ts'
import { recover } from './recover.ts'
import { type RecoveryTarget, targetText } from './recovery-target.ts'
import { removeAtExit } from './remove-at-exit.ts'
import { checkWalArchive } from './wal-archive.ts'

/** What to restore, whereto, and how far. */
export type RestoreOptions = {
  /** The folder that takeBaseBackup() made. */
  from: string
  /** The new data folder (PGDATA); must not exist, or be empty. */
  into: string
  /** Archived segments; without it the copy is as of the moment of its figures. */
  walArchive?: string | undefined
  /** (Default: the end of the log) */
  target?: RecoveryTarget | undefined
  /** (Default: 'current', the timeline of the backup) */
  timeline?: string | undefined
  /** (Default: all of after-restore.ts) */
  steps?: readonly AfterRestoreStep[]
  /** The data folder of the stack that was backed up, where the steps find what is kept outside the database. */
  keptOutside?: string | undefined
  /** (Default: the embedded Postgres) */
  programs?: Programs
  /** For a copy that is looked at and thrown away. (Default: false) */
  isThrowaway?: boolean
  /** Hears what each step found. */
  say?: (line: string) => void
  log?: (line: string) => void
}

/** What came of it. */
export type RestoreReport = {
  manifest: BackupManifest
  timeline: number
  /** The end of the log that was replayed. */
  lsn: string
  /** When the last transaction that was replayed had been committed; null when there was none. */
  last_commit_at: Date | null
}

/**
 * Restores. The folder has its name only when everything went well.
 * @param work is called last, while the server still runs behind its closed door
 * @throws backup_damaged, restore_failed, refused
 */
export async function restoreBaseBackup(
  options: RestoreOptions,
  work?: (adminUrl: string, report: RestoreReport) => Promise<void>,
): Promise<RestoreReport> {
  const programs = options.programs ?? postgresPrograms(options.say ?? (() => {}))
  const manifest = checkBaseBackup(options.from, programs.major)
  const target = options.target ?? { kind: 'end' }
  if (options.walArchive) await checkWalArchive(options.walArchive, manifest, target)
  refuseTaken(options.into)
  const partial = `${options.into}.partial`
  await rm(partial, { recursive: true, force: true })
  const finished = removeAtExit(partial)
  try {
    await mkdir(dirname(options.into), { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
    demandReachable(programs, dirname(options.into))
    await mkdir(partial, { mode: 0o700 })
    await copyBack(options.from, manifest, partial, programs.user)
    const { walArchive, timeline, isThrowaway = false, log } = options
    const recovery = { folder: partial, manifest, programs, target, walArchive, timeline, isThrowaway, log }
    const report = await recover(recovery, async (adminUrl) => {
      const found = await reportOf(adminUrl, manifest)
      options.say?.(
        `Replayed the log up to ${targetText(target)} (${found.lsn}, timeline ${found.timeline}).`,
      )
      for (const step of options.steps ?? AFTER_RESTORE_STEPS) {
        const outcome = await step.run({ adminUrl, manifest, keptOutside: options.keptOutside })
        options.say?.(`${step.title}: ${outcome}`)
      }
      await work?.(adminUrl, found)
      return found
    })
    await rm(options.into, { recursive: true, force: true })
    await rename(partial, options.into)
    return report
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => {})
    throw isStackError(error) ? error : couldNotRestore(error, options)
  } finally {
    finished()
  }
}

function refuseTaken(into: string): void {
  if (!existsSync(into) || readdirSync(into).length === 0) return
  throw new StackError(
    'refused',
    `${into} is not empty, and a restore never writes over anything.`,
    'Name a folder that does not exist yet. Rename it yourself when you have looked at what was restored.',
  )
}

function demandReachable(programs: Programs, folder: string): void {
  if (canEnter(programs.user, folder)) return
  throw new StackError(
    'restore_failed',
    `The OS user "postgres", as whom the server runs, cannot enter ${folder}.`,
    `Give it the right to pass through every folder above it (chmod o+x), or restore to another place.`,
  )
}

async function reportOf(adminUrl: string, manifest: BackupManifest): Promise<RestoreReport> {
  return withClient(adminUrl, async (client) => {
    const { rows } = await client.query<{ timeline: number; lsn: string; last_commit_at: Date | null }>(
      `select ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int as timeline,
         pg_current_wal_lsn()::text as lsn, pg_last_xact_replay_timestamp() as last_commit_at`,
    )
    const row = rows[0]
    if (!row) throw new Error('The restored server said nothing about itself.')
    return { manifest, ...row }
  })
}

function couldNotRestore(error: unknown, options: RestoreOptions): StackError {
  const problem = error instanceof Error ? error.message : String(error)
  return new StackError(
    'restore_failed',
    `Restoring ${options.from} failed, and nothing is left of it: ${problem}`,
    'Is there room, and may this user write there? Another place is named with --into.',
    { cause: error },
  )
}
