/** Whether a victim's rows, and what belongs to nobody, are still what they were. */
import type { Queryable } from '../catalog/rule.ts'
import { tablesOf } from './tables.ts'
import { mine } from './whose.ts'

/** Whatever anybody does is written here, the attacker's doing too; nobody from outside can change what stands there. */
const RESTLESS = ['private.refresh_tokens', 'private.attempts', 'core.audit_log']

/** A query that answers with count and hash for each table: of the rows of $1, or of all where nobody owns them. */
export async function victimQuery(db: Queryable): Promise<string> {
  const tables = (await tablesOf(db)).filter(({ name }) => !RESTLESS.includes(name))
  return tables
    .map(
      ({
        name,
        owner,
        columns,
      }) => `select '${name}' as name, count(*) as count, md5(string_agg(t::text, '' order by t::text)) as hash
        from ${name} t where ${mine({ name, owner, columns }) ?? '$1::uuid is not null'}`,
    )
    .join('\nunion all\n')
}

/** What stands there now, one line for each table. */
export async function stateOf(db: Queryable, query: string, victimId: string): Promise<string[]> {
  const { rows } = await db.query<{ name: string; count: string; hash: string | null }>(query, [victimId])
  return rows.map(({ name, count, hash }) => `${name}: ${count} rows, ${hash}`)
}
