/**
 * A base backup: a copy of a running server's data folder, with the piece of its log that makes the copy consistent. One
 * session, no program beside Postgres: pg_backup_start, copy, pg_backup_stop.
 */
import { existsSync } from 'node:fs'
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type pg from 'pg'
import { withClient } from '../provision/with-client.ts'
import { isStackError, StackError } from '../stack-error.ts'
import { clusterFiles } from './cluster-files.ts'
import { copyFileHashed } from './copy-file.ts'
import { inParallel } from './in-parallel.ts'
import { segmentNames, segmentOf } from './lsn.ts'
import { type BackupManifest, DATA_FOLDER, writeManifest } from './manifest.ts'
import { markMoment } from './marked-moment.ts'
import { removeAtExit } from './remove-at-exit.ts'
import { type SourceCluster, sourceCluster } from './source-cluster.ts'

/** What to copy, and where. */
export type BaseBackupOptions = {
  /** The folder the server serves, on this machine. */
  dataDir: string
  /** A superuser's URL; the database it names is the one whose rows are counted. */
  connectionString: string
  /** A folder that does not exist yet; it is there afterwards, whole, or not at all. */
  into: string
  /** False for tests: does not wait for the disk. (Default: true) */
  isDurable?: boolean
}

type Files = BackupManifest['files']

/**
 * Takes the backup. Nobody is kept from working, but for the blink in which the moment of its figures is marked.
 * @throws backup_failed, server_unreachable
 */
export async function takeBaseBackup(options: BaseBackupOptions): Promise<BackupManifest> {
  if (existsSync(options.into)) {
    throw new StackError('backup_failed', `${options.into} exists already.`, 'Name a folder that does not.')
  }
  const partial = `${options.into}.partial`
  const finished = removeAtExit(partial)
  try {
    await mkdir(dirname(options.into), { recursive: true, mode: 0o700 })
    await rm(partial, { recursive: true, force: true })
    const manifest = await withClient(options.connectionString, (client) =>
      copyWhileRunning(client, options, partial),
    )
    await writeManifest(partial, manifest)
    await rename(partial, options.into)
    await syncFolder(dirname(options.into))
    return manifest
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => {})
    throw isStackError(error) ? error : couldNotCopy(error, options)
  } finally {
    finished()
  }
}

async function copyWhileRunning(
  client: pg.Client,
  options: BaseBackupOptions,
  partial: string,
): Promise<BackupManifest> {
  const source = await sourceCluster(client, options.dataDir)
  const data = join(partial, DATA_FOLDER)
  await mkdir(data, { recursive: true, mode: 0o700 })
  const startedAt = new Date().toISOString()
  const label = `howdah_${basename(options.into)}`
  await client.query('set statement_timeout = 0; set idle_session_timeout = 0')
  await refuseSecond(client)
  // Goes with the session. Until then the server keeps the log that this backup needs.
  await client.query('select pg_create_physical_replication_slot($1, true, true)', [
    `howdah_backup_${process.pid}`,
  ])
  const start = await client.query<{ lsn: string }>('select pg_backup_start($1, true)::text as lsn', [label])
  const files = await copyData(options, data)
  const stop = await client.query<{ lsn: string; labelfile: string; timeline: number }>(
    `select s.lsn::text as lsn, s.labelfile,
       (regexp_match(s.labelfile, 'START TIMELINE: (\\d+)'))[1]::int as timeline from pg_backup_stop(false) as s`,
  )
  const [startLsn, end] = [start.rows[0]?.lsn, stop.rows[0]]
  if (!startLsn || !end) throw new Error('pg_backup_start or pg_backup_stop answered nothing.')
  const moment = await markMoment(options.connectionString, label)
  // Its segment becomes whole, and goes to the archive as well.
  await client.query('select pg_switch_wal()')
  const labelPath = join(data, 'backup_label')
  await writeFile(`${labelPath}.original`, end.labelfile, { mode: 0o600 })
  files['backup_label'] = await copyFileHashed(`${labelPath}.original`, labelPath, options.isDurable ?? true)
  await rm(`${labelPath}.original`)
  const range = { timeline: end.timeline, from: startLsn, until: moment.restore_point.lsn }
  Object.assign(files, await copyLog(options, data, source, range))
  return {
    format: 1,
    ...source,
    timeline: end.timeline,
    start_lsn: startLsn,
    stop_lsn: end.lsn,
    started_at: startedAt,
    finished_at: new Date().toISOString(),
    ...moment,
    files,
  }
}

/** Held until the session ends. Two at once would only slow each other down. */
async function refuseSecond(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ is_free: boolean }>(
    `select pg_try_advisory_lock(hashtextextended('howdah:backup', 0)) as is_free`,
  )
  if (rows[0]?.is_free) return
  throw new StackError(
    'backup_failed',
    'Another backup of this server is under way.',
    'Wait until it is done.',
  )
}

async function copyData(options: BaseBackupOptions, data: string): Promise<Files> {
  const files: Files = {}
  const found = await clusterFiles(options.dataDir)
  for (const folder of found.folders) await mkdir(join(data, folder), { recursive: true, mode: 0o700 })
  await inParallel(found.files, async (path) => {
    try {
      files[path] = await copyFileHashed(
        join(options.dataDir, path),
        join(data, path),
        options.isDurable ?? true,
      )
    } catch (error) {
      // A table dropped meanwhile; the log knows.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || existsSync(join(options.dataDir, path)))
        throw error
    }
  })
  return files
}

type LogRange = { timeline: number; from: string; until: string }

/** The segments from the backup's start to the moment of its figures: with them the copy is of use without any archive. */
async function copyLog(
  options: BaseBackupOptions,
  data: string,
  source: SourceCluster,
  range: LogRange,
): Promise<Files> {
  const files: Files = {}
  const bytes = source.wal_segment_bytes
  const [first, last] = [segmentOf(range.from, bytes), segmentOf(range.until, bytes, true)]
  for (const name of segmentNames(range.timeline, first, last, bytes)) {
    const path = `pg_wal/${name}`
    files[path] = await copyFileHashed(
      join(options.dataDir, path),
      join(data, path),
      options.isDurable ?? true,
    )
  }
  return files
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}

function couldNotCopy(error: unknown, options: BaseBackupOptions): StackError {
  const problem = error instanceof Error ? error.message : String(error)
  return new StackError(
    'backup_failed',
    `The backup into ${options.into} failed, and nothing is left of it: ${problem}`,
    'Is there room, and may this user write there and read the data folder? HOWDAH_BACKUP_DIR names another place.',
    { cause: error },
  )
}
