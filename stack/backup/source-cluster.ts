/** What a backup has to know about the server before it may believe that a folder is that server's. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { StackError } from '../stack-error.ts'

/** The facts a manifest repeats. */
export type SourceCluster = {
  server_version: number
  system_identifier: string
  wal_segment_bytes: number
  superuser: string
  database: string
  databases: string[]
  migration: string | null
}

type Facts = SourceCluster & {
  is_superuser: boolean
  is_replica: boolean
  wal_level: string
  tablespaces: string[]
  pid_file: string | null
}

const FACTS = `
  select current_setting('server_version_num')::int as server_version,
    (select system_identifier::text from pg_control_system()) as system_identifier,
    (select setting::int from pg_settings where name = 'wal_segment_size') as wal_segment_bytes,
    session_user as superuser, current_database() as database,
    (select array_agg(datname::text order by datname) from pg_database where not datistemplate) as databases,
    pg_is_in_recovery() as is_replica, current_setting('wal_level') as wal_level,
    (select coalesce(array_agg(spcname::text), '{}') from pg_tablespace where spcname not in ('pg_default', 'pg_global'))
      as tablespaces,
    pg_read_file('postmaster.pid', true) as pid_file`

/**
 * Asks the server, and makes sure that `dataDir` is the folder it serves and that a copy of it can be used.
 * @throws backup_failed, saying what stands in the way
 */
export async function sourceCluster(client: pg.ClientBase, dataDir: string): Promise<SourceCluster> {
  const { rows: who } = await client.query<{ is_superuser: boolean }>(
    'select rolsuper as is_superuser from pg_roles where rolname = current_user',
  )
  if (!who[0]?.is_superuser) {
    throw refusal('The login of this backup is no superuser.', 'HOWDAH_DATABASE_URL has to name one.')
  }
  const { rows } = await client.query<Omit<Facts, 'migration'>>(FACTS)
  const facts = rows[0]
  if (!facts) throw new Error('The server said nothing about itself.')
  if (facts.is_replica) throw refusal('This server is a replica.', 'Back up the primary.')
  if (facts.wal_level === 'minimal') {
    throw refusal('This server has wal_level = minimal.', 'Set wal_level = replica and start it again.')
  }
  if (facts.tablespaces.length > 0) {
    throw refusal(
      `The server has tablespaces (${facts.tablespaces.join(', ')}), which lie outside its data folder.`,
      'Use pg_basebackup for it (docs/backups.md).',
    )
  }
  if (facts.pid_file === null || facts.pid_file !== pidFileOf(dataDir)) {
    throw refusal(
      `${dataDir} is not the data folder of the server that answered.`,
      'A server on another machine is backed up there, or with pg_basebackup (docs/backups.md). ' +
        'For one on this machine name its data folder: --data-folder /var/lib/postgresql/18/main',
    )
  }
  return {
    server_version: facts.server_version,
    system_identifier: facts.system_identifier,
    wal_segment_bytes: facts.wal_segment_bytes,
    superuser: facts.superuser,
    database: facts.database,
    databases: facts.databases,
    migration: await lastMigration(client),
  }
}

/** Written by the running server only, so an old copy of the folder has none or another. */
function pidFileOf(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, 'postmaster.pid'), 'utf8')
  } catch {
    return undefined // not there, or not ours to read: either way this is not the folder
  }
}

async function lastMigration(client: pg.ClientBase): Promise<string | null> {
  const known = await client.query<{ is_there: boolean }>(
    `select to_regclass('graphile_migrate.migrations') is not null as is_there`,
  )
  if (!known.rows[0]?.is_there) return null
  const { rows } = await client.query<{ last: string | null }>(
    'select max(filename) as last from graphile_migrate.migrations',
  )
  return rows[0]?.last ?? null
}

function refusal(problem: string, remedy: string): StackError {
  return new StackError('backup_failed', `No backup was made. ${problem}`, remedy)
}
