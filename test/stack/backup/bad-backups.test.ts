/** O-05: a bad backup is noticed, each kind in words of its own. A verification that says "well" here is the failure. */
import { cpSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readManifest } from '../../../stack/backup/manifest.ts'
import { backupId, prepareRepository, systemIdentifierOf } from '../../../stack/backup/repository.ts'
import { takeBaseBackup } from '../../../stack/backup/take-base-backup.ts'
import { verifyBaseBackup } from '../../../stack/backup/verify-base-backup.ts'
import { archivedSegments } from '../../../stack/backup/wal-archive.ts'
import { archiveEverything } from './ledger.ts'
import { type ScratchCluster, scratchCluster } from './scratch-cluster.ts'

let cluster: ScratchCluster
let whole: string
/** The backup that a test damages, and its archive. */
let from: string
let walArchive: string

beforeAll(async () => {
  cluster = await scratchCluster()
  whole = join(cluster.home, 'whole')
  await cluster.sql(
    'create table notes (id int primary key); insert into notes select generate_series(1, 5000)',
  )
  await takeBaseBackup({
    dataDir: cluster.dataDir,
    connectionString: cluster.url,
    into: whole,
    isDurable: false,
  })
  for (let segment = 0; segment < 3; segment += 1) {
    await cluster.sql('update notes set id = id + 10000')
    await archiveEverything(cluster)
  }
})
afterAll(() => cluster.remove())

beforeEach(() => {
  from = join(cluster.home, 'damaged')
  walArchive = join(cluster.home, 'damaged-wal')
  for (const [source, copy] of [
    [whole, from],
    [cluster.walArchive, walArchive],
  ] as const) {
    rmSync(copy, { recursive: true, force: true })
    cpSync(source, copy, { recursive: true })
  }
})

const verify = (more: object = {}) =>
  verifyBaseBackup({ from, walArchive, programs: cluster.programs, ...more })
const problem = async (more: object = {}) => (await verify(more)).problem

/** The file of the table `notes`. */
const tableFile = async () => {
  const [row] = await cluster.sql<{ path: string }>(`select pg_relation_filepath('notes') as path`)
  return `${row?.path}`
}

test('a truncated file', async () => {
  const path = await tableFile()
  truncateSync(join(from, 'data', path), 8192)
  expect(await problem()).toMatch(new RegExp(`${path} has 8192 of \\d+ bytes`))
})

test('a missing segment: the one inside the backup, and one in the archive', async () => {
  const [inside] = readdirSync(join(from, 'data', 'pg_wal')).filter((name) => /^[0-9A-F]{24}$/.test(name))
  const segment = join(from, 'data', 'pg_wal', `${inside}`)
  renameSync(segment, `${segment}.away`)
  expect(await problem()).toContain(`pg_wal/${inside} is missing`)
  renameSync(`${segment}.away`, segment)
  const missing = archivedSegments(walArchive).at(-2)
  rmSync(join(walArchive, `${missing}.gz`))
  expect(await problem()).toContain(`lacks the segment ${missing}`)
})

test('an empty file, an empty manifest, a segment cut short', async () => {
  const path = await tableFile()
  truncateSync(join(from, 'data', path), 0)
  expect(await problem()).toContain(`${path} is empty`)
  cpSync(join(whole, 'data', path), join(from, 'data', path))
  const last = join(walArchive, `${archivedSegments(walArchive).at(-1)}.gz`)
  truncateSync(last, 2000)
  expect(await problem()).toMatch(/archived segment .* is damaged: unexpected end of file/)
  truncateSync(join(from, 'manifest.json'), 0)
  expect(await problem()).toContain('it is empty')
})

test('another version of Postgres than the one at hand', async () => {
  const found = await problem({ programs: { ...cluster.programs, major: 15 } })
  expect(found).toContain('is a backup of Postgres 18, and the Postgres here is 15')
})

test('a backup of another server, and log of another server', async () => {
  expect(await problem({ systemIdentifier: '1234567890' })).toContain('is a backup of another server')
  const manifest = JSON.parse(await readFile(join(from, 'manifest.json'), 'utf8'))
  manifest.system_identifier = '1234567890'
  await writeFile(join(from, 'manifest.json'), JSON.stringify(manifest))
  expect(await problem()).toContain('its files are of another server than its manifest')
  const data = join(from, 'data', 'global', 'pg_control')
  const control = await readFile(data)
  control.writeBigUInt64LE(1234567890n)
  await writeFile(data, control)
  expect(await problem()).toContain('it was written by another server')
})

test('an archive that refuses the log: the server says so, and the backup folder is refused by name', async () => {
  const away = `${cluster.walArchive}.away`
  renameSync(cluster.walArchive, away)
  await cluster.sql('update notes set id = id + 10000; select pg_switch_wal()')
  const failing = () =>
    cluster.sql<{ failed: boolean }>(`select failed_count > 0
      and last_failed_time >= coalesce(last_archived_time, '-infinity') as failed from pg_stat_archiver`)
  await expect.poll(failing, { timeout: 15_000 }).toEqual([{ failed: true }])
  renameSync(away, cluster.walArchive)
  writeFileSync(join(cluster.home, 'a file'), '')
  expect(() =>
    prepareRepository(
      join(cluster.home, 'a file'),
      systemIdentifierOf(cluster.dataDir),
      cluster.programs.user,
    ),
  ).toThrow(/Backups cannot be kept in/)
  const nowhere = join(cluster.home, 'a file', backupId(new Date()))
  await expect(
    takeBaseBackup({ dataDir: cluster.dataDir, connectionString: cluster.url, into: nowhere }),
  ).rejects.toMatchObject({ code: 'backup_failed' })
})

test('a file with other content of the same size', async () => {
  const path = join(from, 'data', await tableFile())
  const bytes = await readFile(path)
  bytes.writeUInt8(bytes.readUInt8(8000) ^ 1, 8000)
  await writeFile(path, bytes)
  expect(await problem()).toContain('has other content than when it was copied')
})

test('figures that the restored copy does not show', async () => {
  const manifest = readManifest(from)
  const table = manifest.figures.tables['"public"."notes"']
  manifest.figures.tables['"public"."notes"'] = {
    count: (table?.count ?? 0) + 1,
    digest: table?.digest ?? '',
  }
  await writeFile(join(from, 'manifest.json'), JSON.stringify(manifest))
  expect(await problem()).toContain('table "public"."notes" has 5000 lines instead of 5001')
})

test('a data folder that is not the server’s', async () => {
  await expect(
    takeBaseBackup({
      dataDir: join(whole, 'data'),
      connectionString: cluster.url,
      into: join(cluster.home, 'wrong'),
    }),
  ).rejects.toMatchObject({
    code: 'backup_failed',
    message: expect.stringContaining('is not the data folder'),
  })
})
