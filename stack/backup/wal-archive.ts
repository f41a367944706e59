/** What is in an archive, and whether it is whole as far as a backup needs it. */
import { createReadStream, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { StackError } from '../stack-error.ts'
import { ARCHIVED_SUFFIX } from './archive-command.ts'
import { SEGMENT_NAME, segmentName, segmentNumber, segmentOf } from './lsn.ts'
import type { BackupManifest } from './manifest.ts'
import type { RecoveryTarget } from './recovery-target.ts'

/** Offset of the system identifier in the first page of each segment. Source: PostgreSQL, XLogLongPageHeaderData. */
const IDENTIFIER_OFFSET = 24

/** Names of the archived segments, oldest first. */
export function archivedSegments(archive: string): string[] {
  return readdirSync(archive)
    .filter((file) => file.endsWith(ARCHIVED_SUFFIX))
    .map((file) => file.slice(0, -ARCHIVED_SUFFIX.length))
    .filter((name) => SEGMENT_NAME.test(name))
    .sort()
}

/**
 * Reads every segment that a restore of this backup would replay. Postgres takes a missing or damaged one for the end of
 * the log, and would open a database that lacks everything after it without a word.
 * @returns how many it read
 * @throws backup_damaged, naming the segment
 */
export async function checkWalArchive(
  archive: string,
  manifest: BackupManifest,
  target: RecoveryTarget = { kind: 'end' },
): Promise<number> {
  const bytes = manifest.wal_segment_bytes
  const segments = readArchive(archive)
    .filter((name) => Number.parseInt(name.slice(0, 8), 16) === manifest.timeline)
    .filter((name) => segmentNumber(name, bytes) >= segmentOf(manifest.start_lsn, bytes))
  let count = 0
  let expected = segmentOf(manifest.restore_point.lsn, bytes, true) + 1n
  for (const name of segments) {
    // Those of the backup itself are in its own folder as well.
    if (segmentNumber(name, bytes) >= expected) {
      const next = segmentName(manifest.timeline, expected, bytes)
      if (name !== next) {
        // Up to a moment before the gap nothing is lost; whether the moment lies there the server itself will say.
        if (target.kind !== 'end') return count
        throw gap(archive, next, name)
      }
      expected += 1n
    }
    await checkSegment(archive, name, manifest)
    count += 1
  }
  return count
}

function readArchive(archive: string): string[] {
  try {
    return archivedSegments(archive)
  } catch (cause) {
    throw new StackError(
      'restore_failed',
      `The archive ${archive} cannot be read: ${cause instanceof Error ? cause.message : cause}.`,
      'Mount it, or name another one. Without any archive a backup restores to the moment it was made: --without-archive',
      { cause },
    )
  }
}

async function checkSegment(archive: string, name: string, manifest: BackupManifest): Promise<void> {
  const path = join(archive, `${name}${ARCHIVED_SUFFIX}`)
  let bytes = 0
  let identifier: string | undefined
  try {
    await pipeline(createReadStream(path), createGunzip(), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        identifier ??= chunk.readBigUInt64LE(IDENTIFIER_OFFSET).toString()
        bytes += chunk.length
      }
    })
  } catch (cause) {
    throw damagedSegment(path, cause instanceof Error ? cause.message : String(cause))
  }
  if (bytes !== manifest.wal_segment_bytes) {
    throw damagedSegment(path, `it holds ${bytes} of ${manifest.wal_segment_bytes} bytes`)
  }
  if (identifier !== manifest.system_identifier) {
    throw damagedSegment(
      path,
      `it was written by another server (${identifier}, not ${manifest.system_identifier})`,
    )
  }
}

function gap(archive: string, missing: string, present: string): StackError {
  return new StackError(
    'backup_damaged',
    `The archive ${archive} lacks the segment ${missing}, but holds ${present} after it: everything since would be lost.`,
    'Bring the segment back if there is a copy. Otherwise restore to a moment before it (--to …), or make a new backup.',
  )
}

function damagedSegment(path: string, problem: string): StackError {
  return new StackError(
    'backup_damaged',
    `The archived segment ${path} is damaged: ${problem}.`,
    'Bring it back if there is a copy. Otherwise restore to a moment before it (--to …), or make a new backup.',
  )
}
