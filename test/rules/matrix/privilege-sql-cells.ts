/**
 * What a role was not given: every column of every relation it may not read or write, every verb beyond the four, and
 * every function it may not call. Each is tried, and has to end at the missing grant.
 */
import { z } from 'zod'
import { OUR_FUNCTION, OUR_SCHEMA } from '../catalog/ours.ts'
import type { Queryable } from '../catalog/rule.ts'
import type { Identity } from './identities.ts'
import type { SqlCell } from './sql-cell.ts'

const found = z.object({ object: z.string(), verb: z.string(), sql: z.string() })

const ONLY = `($2::text[] is null or n.nspname || '.' || c.relname = any ($2))`

const COLUMNS = `
  select n.nspname || '.' || c.relname as object, format('%s of %s', verb, a.attname) as verb,
    case verb when 'select' then format('select %I from %I.%I limit 0', a.attname, n.nspname, c.relname)
      when 'insert' then format('insert into %I.%I (%I) values (default)', n.nspname, c.relname, a.attname)
      else format('update %I.%I set %I = default where false', n.nspname, c.relname, a.attname) end as sql
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid,
    unnest(array['select', 'insert', 'update']) verb
  where ${OUR_SCHEMA} and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped
    and not has_column_privilege($1, c.oid, a.attnum, verb) and ${ONLY}`

/** A null argument must come from a row: a strict function of constants is folded away before anybody asks who may. */
const FUNCTIONS = `
  select p.oid::regprocedure::text as object, 'call' as verb, format('select %s(%s) from (select %s offset 0) as arguments',
    p.oid::regproc, (select string_agg('a' || i, ', ' order by i) from generate_series(1, p.pronargs) i),
    coalesce((select string_agg(format('null::%s as a%s', case t.typtype when 'p' then 'text' else t.oid::regtype::text end, i), ', ' order by i)
      from unnest(p.proargtypes) with ordinality x (type, i) join pg_type t on t.oid = x.type), '1 as nothing')) as sql
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where ${OUR_FUNCTION} and p.prokind = 'f' and not has_function_privilege($1, p.oid, 'execute')
    and ($2::text[] is null or p.oid::regprocedure::text = any ($2))`

const TRUNCATE = `
  select n.nspname || '.' || c.relname as object, 'truncate' as verb, format('truncate %I.%I', n.nspname, c.relname) as sql
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where ${OUR_SCHEMA} and c.relkind in ('r', 'p') and not has_table_privilege($1, c.oid, 'truncate') and ${ONLY}`

/** Whoever may read a system column has the whole table, with every column that is still to come. */
const WHOLE = `
  select n.nspname || '.' || c.relname as object, 'select of all to come' as verb,
    format('select xmin from %I.%I limit 0', n.nspname, c.relname) as sql
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where ${OUR_SCHEMA} and c.relkind in ('r', 'p') and not has_table_privilege($1, c.oid, 'select') and ${ONLY}`

/** One cell for each thing that the identity's role was not given, or for those of the objects named. */
export async function privilegeSqlCells(
  db: Queryable,
  identity: Identity,
  only?: string[],
): Promise<SqlCell[]> {
  const cells: SqlCell[] = []
  for (const query of [COLUMNS, WHOLE, FUNCTIONS, TRUNCATE]) {
    const { rows } = await db.query(`${query} order by 1, 2`, [identity.role, only])
    for (const { object, verb, sql } of z.array(found).parse(rows)) {
      cells.push({ identity, object, verb, sql, right: 'no privilege' })
    }
  }
  return cells
}
