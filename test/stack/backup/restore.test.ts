/** A copy taken under load comes back as of any moment, behind a closed door, and never over anything. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BackupManifest } from '../../../stack/backup/manifest.ts'
import { restoreBaseBackup } from '../../../stack/backup/restore-base-backup.ts'
import { takeBaseBackup } from '../../../stack/backup/take-base-backup.ts'
import { verifyBaseBackup } from '../../../stack/backup/verify-base-backup.ts'
import { withClient } from '../../../stack/provision/with-client.ts'
import {
  archiveEverything,
  committedBy,
  idsAt,
  LEDGER_PARAMETERS,
  makeLedger,
  writeLedger,
} from './ledger.ts'
import { type ScratchCluster, scratchCluster } from './scratch-cluster.ts'

let cluster: ScratchCluster
let manifest: BackupManifest
let from: string
const moments: Date[] = []
let unlogged: string

/** Backs up while four writers write, and goes on writing a while, so that there are moments to come back to. */
beforeAll(async () => {
  cluster = await scratchCluster(LEDGER_PARAMETERS)
  from = join(cluster.home, 'backup')
  await makeLedger(cluster)
  await cluster.sql(`create role reader; grant select on ledger to reader;
    alter table ledger enable row level security; create policy even on ledger to reader using (id % 2 = 0);
    create materialized view numbers as select generate_series(1, 5) as number`)
  await cluster.sql(
    `create unlogged table passing (word text); insert into passing values ('ada@example.com')`,
  )
  await cluster.sql('checkpoint')
  unlogged =
    (await cluster.sql<{ path: string }>(`select pg_relation_filepath('passing') as path`))[0]?.path ?? ''
  const load = writeLedger(cluster)
  manifest = await takeBaseBackup({ dataDir: cluster.dataDir, connectionString: cluster.url, into: from })
  while (moments.length < 3) {
    await load.more(100)
    moments.push(new Date())
  }
  await load.more(100)
  await load.stop()
  await archiveEverything(cluster)
})
afterAll(() => cluster.remove())

const restored = (into: string, more: object = {}) => ({
  from,
  into: join(cluster.home, into),
  programs: cluster.programs,
  steps: [],
  isThrowaway: true,
  ...more,
})

test('what an unlogged table holds is in no backup, and the table is there and empty afterwards', async () => {
  expect(existsSync(join(cluster.dataDir, unlogged))).toBe(true)
  expect(Object.keys(manifest.files).filter((path) => path.startsWith(unlogged))).toEqual([
    `${unlogged}_init`,
  ])
  let count: unknown
  await restoreBaseBackup(restored('unlogged'), async (adminUrl) => {
    count = await withClient(adminUrl, async (client) => (await client.query('select from passing')).rowCount)
  })
  expect(count).toBe(0)
})

test('each of three moments during the load comes back exactly as the ledger knows it', async () => {
  for (const [index, time] of moments.entries()) {
    const expected = await committedBy(cluster, time)
    let found: string[] = []
    await restoreBaseBackup(
      restored(`moment ${index}`, { walArchive: cluster.walArchive, target: { kind: 'time', time } }),
      async (adminUrl) => {
        found = await idsAt(adminUrl)
      },
    )
    expect(found).toEqual(expected)
    expect(found.length).toBeGreaterThan(manifest.figures.tables['"public"."ledger"']?.count ?? 0)
  }
  const total = await cluster.sql('select id from ledger')
  console.log(`3 moments of a ledger of ${total.length} rows: 0 missing before, 0 present after`)
})

test('without an archive the copy is as of the moment of its figures, with it as of the end', async () => {
  const counts: number[] = []
  const count = async (adminUrl: string) => {
    counts.push((await idsAt(adminUrl)).length)
  }
  await restoreBaseBackup(restored('alone'), count)
  await restoreBaseBackup(restored('all', { walArchive: cluster.walArchive }), count)
  const [{ all } = { all: 0 }] = await cluster.sql<{ all: number }>('select count(*)::int as all from ledger')
  // The segment of that moment is whole, so a few rows after it are in the copy as well.
  expect(counts[0]).toBeGreaterThanOrEqual(manifest.figures.tables['"public"."ledger"']?.count ?? -1)
  expect(counts[0]).toBeLessThan(all)
  expect(counts[1]).toBe(all)
})

test('a verification finds everything the same at the marked moment, and leaves no copy behind', async () => {
  const scratch = join(cluster.home, 'scratch')
  mkdirSync(scratch, { mode: 0o711 })
  const note = await verifyBaseBackup({
    from,
    walArchive: cluster.walArchive,
    programs: cluster.programs,
    scratch,
  })
  expect(note).toMatchObject({ problem: null, table_count: 2 })
  const rowCounts = Object.values(manifest.figures.tables).map(({ count }) => count)
  expect(note.row_count).toBe(rowCounts.reduce((sum, count) => sum + count, 0))
  expect(rowCounts.every((count) => count > 0)).toBe(true)
  expect(note.index_count).toBeGreaterThan(100)
  expect(note.segment_count).toBeGreaterThan(1)
  expect(manifest.figures.catalog['policies']?.count).toBe(1)
  expect(readdirSync(scratch)).toEqual([])
})

test('the steps run before any door is open, and one that fails hands nothing over', async () => {
  const into = join(cluster.home, 'cleansed')
  const heard: string[] = []
  await restoreBaseBackup(
    restored('cleansed', {
      isThrowaway: false,
      say: (line: string) => heard.push(line),
      steps: [
        {
          title: 'Cleanse',
          run: async ({ adminUrl }: { adminUrl: string }) => {
            const client = new pg.Client(adminUrl)
            await client.connect()
            const { rows } = await client
              .query(`delete from ledger; select current_setting('listen_addresses') as open`)
              .then((results) => (results as unknown as pg.QueryResult[])[1] as pg.QueryResult)
            await client.end()
            return `open to "${rows[0]?.open}"`
          },
        },
      ],
    }),
  )
  expect(heard.at(-1)).toBe('Cleanse: open to ""')
  expect(existsSync(join(into, 'PG_VERSION'))).toBe(true)
  expect(existsSync(join(into, 'postmaster.pid'))).toBe(false)
  const failing = [{ title: 'Fail', run: () => Promise.reject(new Error('the ledger is gone')) }]
  await expect(restoreBaseBackup(restored('never', { steps: failing }))).rejects.toMatchObject({
    code: 'restore_failed',
    message: expect.stringContaining('the ledger is gone'),
  })
  expect(existsSync(join(cluster.home, 'never'))).toBe(false)
  expect(existsSync(join(cluster.home, 'never.partial'))).toBe(false)
})

test('nothing is written over: a folder that is not empty is refused', async () => {
  const into = join(cluster.home, 'taken')
  mkdirSync(into)
  writeFileSync(join(into, 'mine'), 'x')
  await expect(restoreBaseBackup(restored('taken'))).rejects.toMatchObject({ code: 'refused' })
  await expect(
    takeBaseBackup({ dataDir: cluster.dataDir, connectionString: cluster.url, into }),
  ).rejects.toMatchObject({ code: 'backup_failed', message: expect.stringContaining('exists already') })
  const living = { ...restored(''), into: cluster.dataDir }
  await expect(restoreBaseBackup(living)).rejects.toMatchObject({ code: 'refused' })
})

test('a moment outside the log is refused in words', async () => {
  const archive = { walArchive: cluster.walArchive }
  const later = { kind: 'time', time: new Date(Date.now() + 3_600_000) }
  await expect(restoreBaseBackup(restored('later', { ...archive, target: later }))).rejects.toMatchObject({
    code: 'restore_failed',
    message: expect.stringContaining('The log ends before'),
  })
  const earlier = { kind: 'time', time: new Date(Date.parse(manifest.started_at) - 1000) }
  await expect(restoreBaseBackup(restored('earlier', { ...archive, target: earlier }))).rejects.toMatchObject(
    {
      code: 'restore_failed',
      message: expect.stringContaining('lies before this backup was finished'),
    },
  )
})
