/** Everything that is not the subject's: one checksum and one count a table, to see that an erasure touches nobody else. */
import type pg from 'pg'
import { escapeIdentifier } from 'pg'

/** Table to `<rows>:<checksum>`. */
export type OthersState = Record<string, string>

/** The log is left out, which notes the erasure, and what notes the work of the worker. */
const RESTLESS = `c.relname !~ '^audit_' and n.nspname in ('core', 'briefing', 'private', 'gdpr')
  and (n.nspname, c.relname) not in (('gdpr', 'erasure_ledger'), ('private', 'erasure_words'), ('private', 'attempts'))`

/** The last mail is the subject's, and leads to nobody any more: so no declaration finds it. */
const NOT_OTHERS: Record<string, string> = { 'core.mails': `t.kind = 'account_erased'` }

/** Reads all of it. */
export async function stateOfOthers(owner: pg.Client, userId: string): Promise<OthersState> {
  const { rows } = await owner.query<{ schema_name: string; table_name: string; filter: string | null }>(`
    select n.nspname as schema_name, c.relname as table_name, (
      select gdpr.subject_filter(n.nspname, c.relname) from gdpr.column_policies as p
      where (p.schema_name, p.table_name) = (n.nspname, c.relname) and p.class <> 'none' limit 1
    ) as filter
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and ${RESTLESS} order by 1, 2`)
  const state: OthersState = {}
  for (const { schema_name, table_name, filter } of rows) {
    const table = `${schema_name}.${table_name}`
    const others = filter
      ? `not (coalesce((${filter}), false) or ${NOT_OTHERS[table] ?? false})`
      : '$1::uuid is not null'
    const name = `${escapeIdentifier(schema_name)}.${escapeIdentifier(table_name)}`
    const found = await owner.query<{ state: string }>(
      `select count(*) || ':' || coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') as state
       from ${name} as t where ${others}`,
      [userId],
    )
    state[table] = found.rows[0]?.state ?? ''
  }
  return state
}
