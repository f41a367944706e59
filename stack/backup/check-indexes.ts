/** Every btree index of a cluster, compared with its table by Postgres' own amcheck. */
import { escapeIdentifier } from 'pg'
import { connectionUrl } from '../connection-url.ts'
import { withClient } from '../provision/with-client.ts'
import { StackError } from '../stack-error.ts'

const BTREE_INDEXES = `
  select format('%I.%I', n.nspname, c.relname) as name
  from pg_index as i join pg_class as c on c.oid = i.indexrelid
    join pg_namespace as n on n.oid = c.relnamespace join pg_am as a on a.oid = c.relam
  where a.amname = 'btree' and c.relkind = 'i' and c.relpersistence = 'p' and i.indisready and i.indisvalid
  order by 1`

/**
 * Checks all databases; the server must be one that is thrown away, for amcheck is installed in it. Returns how many.
 * @throws backup_damaged, naming the index
 */
export async function checkIndexes(adminUrl: string, databases: readonly string[]): Promise<number> {
  let count = 0
  for (const database of databases) {
    count += await withClient(connectionUrl(adminUrl, { database }), async (client) => {
      await client.query(
        'create schema howdah_verify; create extension if not exists amcheck schema howdah_verify',
      )
      const { rows: where } = await client.query<{ schema: string }>(
        `select extnamespace::regnamespace::text as schema from pg_extension where extname = 'amcheck'`,
      )
      const check = `${escapeIdentifier(where[0]?.schema ?? 'howdah_verify')}.bt_index_check`
      const { rows } = await client.query<{ name: string }>(BTREE_INDEXES)
      for (const { name } of rows) {
        await client.query(`select ${check}($1::regclass, true)`, [name]).catch((cause: unknown) => {
          throw brokenIndex(database, name, cause)
        })
      }
      return rows.length
    })
  }
  return count
}

function brokenIndex(database: string, name: string, cause: unknown): StackError {
  return new StackError(
    'backup_damaged',
    `Index ${name} of database ${database} is broken: ${cause instanceof Error ? cause.message : cause}.`,
    'Probably it is in the running database too. Check it there with amcheck, reindex it, and make a new backup.',
    { cause },
  )
}
