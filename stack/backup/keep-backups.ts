/** What is due: a backup a day, a restore that proves the newest one a week, and what is too old goes. Safe to repeat. */
import { createBackup } from './create-backup.ts'
import type { Programs } from './programs.ts'
import { isProven, pruneBackups } from './prune.ts'
import { recordBackups } from './record-backups.ts'
import { type StoredBackup, storedBackups } from './repository.ts'
import type { BackupSource } from './source.ts'
import { verifyBaseBackup } from './verify-base-backup.ts'

const HOUR_MS = 60 * 60 * 1000
/** An hour short of the period, so that an hourly look keeps the hour of the day. */
const BACKUP_EVERY_MS = 23 * HOUR_MS
const VERIFY_EVERY_MS = (7 * 24 - 1) * HOUR_MS

/** What was done; each part is left out when it was not due. */
export type KeepReport = {
  made?: StoredBackup
  verified?: StoredBackup
  removedCount: number
  removedSegmentCount: number
}

/** Does what is due. A verification that fails is noted, told by `problem` of `verified`, and tried again the next time. */
export async function keepBackups(
  source: BackupSource,
  folder: string,
  programs: () => Programs,
  now = new Date(),
): Promise<KeepReport> {
  const { target, repository } = source
  const report: KeepReport = { removedCount: 0, removedSegmentCount: 0 }
  const newest = storedBackups(repository)
    .filter(({ problem }) => !problem)
    .at(-1)
  if (!newest || isOlder(newest.at, BACKUP_EVERY_MS, now)) report.made = await createBackup(source)
  const all = storedBackups(repository)
  const provenAt = all.filter(isProven).map((backup) => new Date(backup.verification?.verified_at ?? 0))
  const last = all.at(-1)
  if (last && !provenAt.some((at) => !isOlder(at, VERIFY_EVERY_MS, now))) {
    await verifyBaseBackup({
      from: last.folder,
      walArchive: source.isArchiving ? repository.wal : undefined,
      programs: programs(),
      systemIdentifier: repository.systemIdentifier,
    })
    const verified = storedBackups(repository).find(({ id }) => id === last.id)
    if (verified) report.verified = verified
  }
  const pruned = await pruneBackups(folder, source.retentionDays, now)
  report.removedCount = pruned.removed.length
  report.removedSegmentCount = pruned.removedSegmentCount
  await recordBackups(target, repository)
  return report
}

function isOlder(at: Date, periodMs: number, now: Date): boolean {
  return now.getTime() - at.getTime() > periodMs
}
