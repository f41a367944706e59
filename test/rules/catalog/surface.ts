/** What each role can reach, as text a person can review line by line. */
import { OUR_FUNCTION, OUR_SCHEMA, OUTSIDE_ROLES } from './ours.ts'
import type { Queryable } from './rule.ts'

/** howdah_backup is left out: it reads everything, which one membership says (catalog/roles.ts). */
const ROLES = OUTSIDE_ROLES

/** $1: true for api, false for every other schema of ours. Privileges count with and without the way into the schema. */
const RELATIONS = `
  select role, format('%s.%s %s%s', n.nspname, c.relname, verb, case when verb <> 'delete' then ' (' || columns || ')' end) as line
  from unnest(${ROLES}) role, unnest(array['select', 'insert', 'update', 'delete']) verb,
    pg_class c join pg_namespace n on n.oid = c.relnamespace,
    lateral (select string_agg(a.attname, ', ' order by a.attnum) as columns from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and verb <> 'delete'
        and has_column_privilege(role, c.oid, a.attnum, verb)) granted
  where ${OUR_SCHEMA} and c.relkind in ('r', 'p', 'v', 'm', 'f') and (n.nspname = 'api') = $1
    and (columns is not null or verb = 'delete' and has_table_privilege(role, c.oid, 'delete'))`

const FUNCTIONS = `
  select role, format('%s.%s(%s) -> %s', n.nspname, p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)) as line
  from unnest(${ROLES}) role, pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where ${OUR_FUNCTION} and (n.nspname = 'api') = $1 and has_function_privilege(role, p.oid, 'execute')`

const SCHEMAS = `
  select role, 'schema ' || n.nspname as line from unnest(${ROLES}) role, pg_namespace n
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and (n.nspname = 'api') = $1
    and has_schema_privilege(role, n.oid, 'usage')`

/** Each role with what it reaches, in api or everywhere else. */
export async function surface(db: Queryable, inApi: boolean): Promise<string> {
  const found: { role: string; line: string }[] = []
  for (const query of [SCHEMAS, RELATIONS, FUNCTIONS]) {
    const { rows } = await db.query<{ role: string; line: string }>(query, [inApi])
    rows.sort((a, b) => (a.line < b.line ? -1 : 1))
    found.push(...rows)
  }
  const roles = [...new Set(found.map(({ role }) => role))].sort()
  const sections = roles.map((role) => {
    const lines = found.filter((row) => row.role === role).map(({ line }) => `  ${line}`)
    return [role, ...lines].join('\n')
  })
  return `${sections.join('\n\n')}\n`
}

/** Every definer function, with who may call it. */
export async function definerInventory(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ line: string }>(`
    select p.oid::regprocedure || ' <- ' || coalesce((
      select string_agg(case a.grantee when 0 then 'public' else a.grantee::regrole::text end, ', ' order by a.grantee::regrole::text)
      from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee <> p.proowner), 'nobody but the owner') as line
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${OUR_FUNCTION} and p.prosecdef`)
  return `${rows
    .map(({ line }) => line)
    .sort()
    .join('\n')}\n`
}
