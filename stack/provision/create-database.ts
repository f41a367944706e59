/** Makes the empty database, with the same sort order everywhere. */
import type pg from 'pg'
import { escapeIdentifier } from 'pg'
import { isUnseeded, markUnseeded } from './mark-seeded.ts'

/** The first Postgres whose builtin provider knows C.UTF-8. */
const BUILTIN_LOCALES = 170_000

/**
 * Creates `database` unless it exists. `client` is a superuser in another database.
 * @returns true when it was created, now or by someone who did not get as far as its first seeds
 */
export async function createDatabase(client: pg.Client, database: string): Promise<boolean> {
  const existing = await client.query('select 1 from pg_database where datname = $1', [database])
  if (existing.rowCount) return isUnseeded(client, database)
  const version = await client.query<{ number: number }>(
    `select current_setting('server_version_num')::int as number`,
  )
  const locale =
    (version.rows[0]?.number ?? 0) >= BUILTIN_LOCALES
      ? `locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'`
      : `lc_collate 'C' lc_ctype 'C.UTF-8'`
  await client.query(
    `create database ${escapeIdentifier(database)} template template0 encoding 'UTF8' ${locale}`,
  )
  await markUnseeded(client, database)
  return true
}
