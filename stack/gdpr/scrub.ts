/**
 * What VACUUM leaves behind: it marks the room of dead rows as free and overwrites nothing, so their bytes stay in the
 * files until something else is written there. Written anew, a table has only what lives in it.
 */
import type pg from 'pg'
import { escapeIdentifier } from 'pg'

/** A relation, and why it was left as it is. */
export type ScrubReport = {
  rewritten: string[]
  skipped: { relation: string; problem: string }[]
  bytes: number
}

/** Waits no longer for whoever uses a table; meanwhile everybody else would queue behind us. */
const LOCK_TIMEOUT = '5s'

/**
 * Rewrites every table that holds something about people, the queue and the planner's samples, one by one; each is locked
 * while that happens. Then a checkpoint: the old files are gone.
 * @param superuser for the planner's own table
 */
export async function scrub(superuser: pg.Client): Promise<ScrubReport> {
  await superuser.query(`set lock_timeout = '${LOCK_TIMEOUT}'; set statement_timeout = 0`)
  const { rows } = await superuser.query<{ schema_name: string; table_name: string; bytes: string }>(TABLES)
  const report: ScrubReport = { rewritten: [], skipped: [], bytes: 0 }
  for (const { schema_name, table_name, bytes } of rows) {
    const relation = `${schema_name}.${table_name}`
    try {
      await superuser.query(
        `vacuum (full, analyze) ${escapeIdentifier(schema_name)}.${escapeIdentifier(table_name)}`,
      )
      report.rewritten.push(relation)
      report.bytes += Number(bytes)
    } catch (error) {
      report.skipped.push({ relation, problem: error instanceof Error ? error.message : String(error) })
    }
  }
  // Analyzing has written samples anew; what they were before goes with the table that holds them.
  await superuser.query('vacuum full pg_catalog.pg_statistic')
  await superuser.query('checkpoint')
  return report
}

const TABLES = `
  select n.nspname as schema_name, c.relname as table_name, pg_total_relation_size(c.oid) as bytes
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and pg_total_relation_size(c.oid) > 0
    and (n.nspname = 'graphile_worker' or (n.nspname, c.relname) = ('private', 'erasure_words')
      or exists (
        select from gdpr.column_policies as p
        where p.class <> 'none'
          and to_regclass(format('%I.%I', p.schema_name, p.table_name)) = coalesce(pg_partition_root(c.oid), c.oid)
      ))
  order by 1, 2`
