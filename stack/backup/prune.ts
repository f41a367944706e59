/**
 * Lets backups go when their time is over: what was erased in the database is gone from its backups by then too. The last
 * one that a restore has proven stays whatever its age, and the log goes as far back as the oldest that is left.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { segmentName, segmentOf } from './lsn.ts'
import { type Repository, repositories, type StoredBackup, storedBackups } from './repository.ts'

/** What went, and what should have gone and stayed. */
export type PruneReport = {
  removed: StoredBackup[]
  removedSegmentCount: number
  /** Older than allowed, and the last proof that anything can be restored. */
  keptPastRetention: StoredBackup[]
}

const DAY_MS = 24 * 60 * 60 * 1000
/** Segments and their companions (.partial, .backup) by timeline and place; histories of timelines are tiny and stay. */
const ARCHIVED = /^\.?[0-9A-F]{8}([0-9A-F]{16})/

/** Prunes every cluster's backups in a folder. */
export async function pruneBackups(folder: string, keepDays: number, now = new Date()): Promise<PruneReport> {
  const report: PruneReport = { removed: [], removedSegmentCount: 0, keptPastRetention: [] }
  for (const repository of repositories(folder)) {
    const all = storedBackups(repository)
    const lastGood = all.filter(isProven).at(-1) ?? all.at(-1)
    const isOver = (backup: StoredBackup) => now.getTime() - backup.at.getTime() > keepDays * DAY_MS
    const kept = all.filter((backup) => !isOver(backup) || backup === lastGood)
    for (const backup of all.filter((candidate) => !kept.includes(candidate))) {
      await removeFolder(backup.folder)
      report.removed.push(backup)
    }
    report.keptPastRetention.push(...kept.filter(isOver))
    await removeUnfinished(repository, now)
    report.removedSegmentCount += await pruneLog(repository, kept, keepDays, now)
  }
  return report
}

/** Restored once without a difference. */
export function isProven(backup: StoredBackup): boolean {
  return backup.manifest !== undefined && backup.verification?.problem === null
}

/** Renamed first: half a backup never looks like one. */
async function removeFolder(folder: string): Promise<void> {
  const partial = `${folder}.partial`
  await rm(partial, { recursive: true, force: true })
  await rename(folder, partial)
  await rm(partial, { recursive: true, force: true })
}

/** What a killed backup left; a day is longer than any takes. */
async function removeUnfinished({ base }: Repository, now: Date): Promise<void> {
  for (const name of existsSync(base) ? readdirSync(base) : []) {
    const path = join(base, name)
    if (name.endsWith('.partial') && now.getTime() - statSync(path).mtimeMs > DAY_MS) {
      await rm(path, { recursive: true, force: true })
    }
  }
}

async function pruneLog(
  { wal }: Repository,
  kept: readonly StoredBackup[],
  keepDays: number,
  now: Date,
): Promise<number> {
  if (!existsSync(wal)) return 0
  const needed = kept
    .flatMap(({ manifest }) =>
      manifest
        ? [
            segmentName(
              1,
              segmentOf(manifest.start_lsn, manifest.wal_segment_bytes),
              manifest.wal_segment_bytes,
            ),
          ]
        : [],
    )
    .map((name) => name.slice(8))
    .sort()[0]
  let count = 0
  for (const name of readdirSync(wal)) {
    const place = ARCHIVED.exec(name)?.[1]
    if (place === undefined) continue
    // Without any backup the log alone restores nothing, but a first backup may be under way: by age then.
    const isOver =
      needed === undefined
        ? now.getTime() - statSync(join(wal, name)).mtimeMs > keepDays * DAY_MS
        : place < needed
    if (!isOver) continue
    await rm(join(wal, name))
    count += 1
  }
  return count
}
