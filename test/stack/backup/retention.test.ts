/** G-10: nothing outlives its time but the last proof, and the log goes as far back as the oldest backup that is left. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { allBackups, chooseBackup } from '../../../stack/backup/choose-backup.ts'
import { type BackupManifest, writeManifest } from '../../../stack/backup/manifest.ts'
import { pruneBackups } from '../../../stack/backup/prune.ts'
import { backupId, prepareRepository, type Repository } from '../../../stack/backup/repository.ts'
import { writeVerification } from '../../../stack/backup/verification.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const NOW = new Date('2026-11-20T12:00:00Z')
let folder: string
let repository: Repository
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'howdah-retention-'))
  repository = prepareRepository(folder, '77', undefined)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const daysAgo = (days: number) => new Date(NOW.getTime() - days * DAY_MS)

/** A backup without files, begun so many days ago in this segment. */
async function backup(days: number, segment: number, verified?: string | null): Promise<string> {
  const id = backupId(daysAgo(days))
  const home = join(repository.base, id)
  mkdirSync(home)
  const at = daysAgo(days).toISOString()
  const lsn = `0/${segment.toString(16).padStart(2, '0')}000028`
  const manifest: BackupManifest = {
    format: 1,
    server_version: 180004,
    system_identifier: '77',
    timeline: 1,
    wal_segment_bytes: 16 * 1024 * 1024,
    start_lsn: lsn,
    stop_lsn: lsn,
    started_at: at,
    finished_at: at,
    superuser: 'postgres',
    databases: [],
    database: 'howdah',
    migration: null,
    restore_point: { name: 'x', lsn },
    figures: { tables: {}, catalog: {} },
    files: {},
  }
  await writeManifest(home, manifest)
  if (verified !== undefined) {
    const counts = { seconds: 1, table_count: 1, row_count: 1, index_count: 1, segment_count: 1 }
    writeVerification(home, { verified_at: at, problem: verified, ...counts })
  }
  return id
}

const segment = (number: number, suffix = '.gz') => {
  const name = `0000000100000000000000${number.toString(16).padStart(2, '0').toUpperCase()}${suffix}`
  writeFileSync(join(repository.wal, name), '')
  return name
}
const left = () => readdirSync(repository.base).sort()
const log = () => readdirSync(repository.wal).sort()

test('what is older than 30 days goes, and with it the log before the oldest that stays', async () => {
  const gone = await backup(31, 2, null)
  const oldest = await backup(30, 5)
  const newest = await backup(1, 9, null)
  for (const number of [2, 3, 4, 5, 6, 9]) segment(number)
  segment(2, '.00000028.backup.gz')
  writeFileSync(join(repository.wal, '00000002.history.gz'), '')
  const report = await pruneBackups(folder, 30, NOW)
  expect(report.removed.map(({ id }) => id)).toEqual([gone])
  expect(report).toMatchObject({ removedSegmentCount: 4, keptPastRetention: [] })
  expect(left()).toEqual([oldest, newest])
  expect(log()).toEqual([segment(5), segment(6), segment(9), '00000002.history.gz'])
  expect((await pruneBackups(folder, 30, NOW)).removed).toEqual([])
})

test('the last proven one stays whatever its age, and is named', async () => {
  const proven = await backup(90, 2, null)
  await backup(60, 3, 'damaged')
  await backup(45, 4)
  const young = await backup(2, 8, 'damaged')
  segment(2)
  const report = await pruneBackups(folder, 30, NOW)
  expect(left()).toEqual([proven, young])
  expect(report.keptPastRetention.map(({ id }) => id)).toEqual([proven])
  expect(log()).toEqual([segment(2)])
})

test('log that no backup begins goes by its age, and what a killed backup left goes after a day', async () => {
  const [old, young] = [segment(2), segment(3)]
  utimesSync(join(repository.wal, old), daysAgo(31), daysAgo(31))
  utimesSync(join(repository.wal, young), daysAgo(1), daysAgo(1))
  const partial = join(repository.base, '20261118T120000Z.partial')
  mkdirSync(partial)
  utimesSync(partial, daysAgo(2), daysAgo(2))
  await pruneBackups(folder, 30, NOW)
  expect(log()).toEqual([young])
  expect(existsSync(partial)).toBe(false)
})

test('a command takes the newest that was finished before the moment and is not known to be damaged', async () => {
  const [first, second] = [await backup(5, 2), await backup(3, 3)]
  const bad = await backup(1, 4, 'damaged')
  expect(allBackups(folder).map(({ id }) => id)).toEqual([first, second, bad])
  expect(chooseBackup(folder).id).toBe(second)
  expect(chooseBackup(folder, undefined, daysAgo(4)).id).toBe(first)
  expect(chooseBackup(folder, bad).problem).toBe('damaged')
  expect(chooseBackup(folder, join(repository.base, first)).id).toBe(first)
  expect(() => chooseBackup(folder, undefined, daysAgo(6))).toThrow('No backup is older than')
  expect(() => chooseBackup(folder, '20200101T000000Z')).toThrow('There is no backup 20200101T000000Z')
  expect(() => chooseBackup(join(folder, 'none'))).toThrow('There is no backup in')
})
