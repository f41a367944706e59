/**
 * Which files of a data folder belong into a copy of it. What is left out is made anew by every start, or is only about
 * the running server. Source: PostgreSQL, "Backing Up the Data Directory", and basebackup.c.
 */
import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Copied as empty folders. `log` too: a server's log holds what people typed, and no restore needs it. */
const EMPTY_FOLDERS = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
  'log',
])

const LEFT_OUT = new Set([
  'postmaster.pid',
  'postmaster.opts',
  'postgresql.auto.conf.tmp',
  'current_logfiles',
  'pg_internal.init',
  'backup_label',
  'tablespace_map',
  'backup_manifest',
  'standby.signal',
  'recovery.signal',
])

/** Sort files, temporary tables of sessions, sockets' lock files. */
const LEFT_OUT_PATTERN = /^(pgsql_tmp.*|t\d+_\d+.*|\.s\.PGSQL.*|pg_internal\.init\..*)$/

/** Paths below the data folder. */
export type ClusterFiles = { folders: string[]; files: string[] }

/** Lists them; a folder that vanishes meanwhile (a dropped database) is no error. */
export async function clusterFiles(dataDir: string): Promise<ClusterFiles> {
  const found: ClusterFiles = { folders: [], files: [] }
  await collect(dataDir, '', found)
  // Changes with each checkpoint, so it comes last; a restore begins at the backup's label, not at what it says.
  found.files = [...found.files.filter((path) => path !== PG_CONTROL), PG_CONTROL]
  return found
}

/** Holds the system identifier in its first eight bytes. */
export const PG_CONTROL = 'global/pg_control'

async function collect(dataDir: string, folder: string, found: ClusterFiles): Promise<void> {
  const entries = await entriesOf(join(dataDir, folder))
  const unlogged = unloggedRelations(entries)
  for (const entry of entries) {
    const path = folder ? `${folder}/${entry.name}` : entry.name
    if (unlogged.has(UNLOGGED_PATTERN.exec(entry.name)?.[1] ?? '')) continue
    if (LEFT_OUT.has(entry.name) || LEFT_OUT_PATTERN.test(entry.name)) continue
    if (entry.isDirectory() || isLinkedWal(path, entry)) {
      found.folders.push(path)
      if (folder !== '' || !EMPTY_FOLDERS.has(entry.name)) await collect(dataDir, path, found)
    } else if (entry.isFile()) found.files.push(path)
  }
}

/** Data, free space and visibility of a relation; the part that says how it begins (`_init`) is none of them. */
const UNLOGGED_PATTERN = /^(\d+)(?:_fsm|_vm)?(?:\.\d+)?$/

/**
 * What is in an unlogged table is empty after every restore, so it has no business in a backup: in one of ours stand the
 * words of people who are erased, and they would outlive them there.
 */
function unloggedRelations(entries: readonly Dirent[]): Set<string> {
  return new Set(entries.flatMap(({ name }) => /^(\d+)_init$/.exec(name)?.[1] ?? []))
}

/** initdb --waldir makes pg_wal a link; the copy gets a folder of its own. */
function isLinkedWal(path: string, entry: Dirent): boolean {
  return path === 'pg_wal' && entry.isSymbolicLink()
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
