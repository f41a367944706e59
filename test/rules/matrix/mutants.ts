/** every line of defence, taken away one at a time. */
import { OUR_TABLE } from '../catalog/ours.ts'
import type { Queryable } from '../catalog/rule.ts'

/** A hole, the table it is in, and the views of api through which it can be seen. */
export type Mutant = { what: string; sql: string; tables: string[]; views: string[] }

/** Views that read a table, directly. */
const VIEWS_OF = `coalesce((select array_agg(distinct v.relname::text) from pg_rewrite w
  join pg_class v on v.oid = w.ev_class and v.relnamespace = 'api'::regnamespace
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
  where d.refobjid = c.oid), '{}')`

/** Policies that ask something. Where none does, the rows are for everybody who has the grant and there is no hole. */
const PRIVATE_ROWS = `select from pg_policy p where p.polrelid = c.oid and pg_get_expr(p.polqual, p.polrelid) <> 'true'`

const MUTANTS = `
  select format('drop policy %I on %s', p.polname, c.oid::regclass) as what,
    format('drop policy %I on %s', p.polname, c.oid::regclass) as sql, array[c.oid::regclass::text] as tables, ${VIEWS_OF} as views
  from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace where ${OUR_TABLE}
  union all
  select format('%s %I using (true)', c.oid::regclass, p.polname),
    format('alter policy %I on %s using (true)', p.polname, c.oid::regclass), array[c.oid::regclass::text], ${VIEWS_OF}
  from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
  where ${OUR_TABLE} and p.polqual is not null and pg_get_expr(p.polqual, p.polrelid) <> 'true'
  union all
  select format('%s %I with check (true)', c.oid::regclass, p.polname),
    format('alter policy %I on %s with check (true)', p.polname, c.oid::regclass), array[c.oid::regclass::text], ${VIEWS_OF}
  from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
  where ${OUR_TABLE} and p.polwithcheck is not null
  union all
  select format('%s without row level security', c.oid::regclass),
    format('alter table %s disable row level security', c.oid::regclass), array[c.oid::regclass::text], ${VIEWS_OF}
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where ${OUR_TABLE} and exists (${PRIVATE_ROWS})
  union all
  select format('api.%s as its owner', c.relname), format('alter view api.%I set (security_invoker = false)', c.relname),
    '{}', array[c.relname::text]
  from pg_class c where c.relnamespace = 'api'::regnamespace and c.relkind = 'v' and exists (
    select from pg_rewrite w join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
    join pg_class t on t.oid = d.refobjid where w.ev_class = c.oid and exists (${PRIVATE_ROWS.replaceAll('c.oid', 't.oid')}))`

/** All mutants, by name. */
export async function mutantsOf(db: Queryable): Promise<Mutant[]> {
  const { rows } = await db.query<Mutant>(MUTANTS)
  return rows.sort((a, b) => (a.what < b.what ? -1 : 1))
}
