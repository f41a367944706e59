/** Every grant that nobody made: to web roles, on relations, columns and schemas; and every function, to everybody. */
import { OUR_FUNCTION, OUR_SCHEMA, WEB_ROLES } from '../catalog/ours.ts'
import type { Queryable } from '../catalog/rule.ts'
import type { Mutant } from './mutant.ts'

const RELATION = `format('%I.%I', n.nspname, c.relname)`
const RELATIONS = `pg_class c join pg_namespace n on n.oid = c.relnamespace`
const OURS = `${OUR_SCHEMA} and c.relkind in ('r', 'p', 'v', 'm', 'f')`

const GRANTS = `
  select 'grant on a relation' as kind, format('grant %s on %s to %s', verb, ${RELATION}, role) as sql,
    array[n.nspname || '.' || c.relname] as objects, role, null as verb
  from ${RELATIONS}, unnest(${WEB_ROLES}) role,
    unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) verb
  where ${OURS} and not has_table_privilege(role, c.oid, verb)
  union all
  select 'grant on a column', format('grant %s (%I) on %s to %s', verb, a.attname, ${RELATION}, role),
    array[n.nspname || '.' || c.relname], role, format('%s of %s', verb, a.attname)
  from ${RELATIONS} join pg_attribute a on a.attrelid = c.oid, unnest(${WEB_ROLES}) role,
    unnest(array['select', 'insert', 'update', 'references']) verb
  where ${OURS} and a.attnum > 0 and not a.attisdropped and not has_column_privilege(role, c.oid, a.attnum, verb)
  union all
  select 'grant on a schema', format('grant %s on schema %I to %s', verb, n.nspname, role), '{}', role, null
  from pg_namespace n, unnest(${WEB_ROLES}) role, unnest(array['usage', 'create']) verb
  where ${OUR_SCHEMA} and not has_schema_privilege(role, n.oid, verb)
  union all
  select 'function for everybody', format('grant execute on function %s to public', p.oid::regprocedure),
    array[p.oid::regprocedure::text], null, null
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where ${OUR_FUNCTION} and p.prokind = 'f' and not has_function_privilege('howdah_readonly', p.oid, 'execute')`

const VIEWS = `
  select c.relname as name, 'api.' || c.relname as object from pg_class c
  where c.relnamespace = 'api'::regnamespace and c.relkind = 'v'`

type Grant = { kind: string; sql: string; objects: string[]; role: string | null; verb: string | null }

/** All that could be granted and is not. */
export async function grantMutants(db: Queryable): Promise<Mutant[]> {
  const { rows } = await db.query<Grant>(GRANTS)
  return rows.map(({ kind, sql, objects, role, verb }) => ({
    kind,
    what: sql,
    sql,
    objects,
    ...(role === null ? {} : { role }),
    ...(verb === null ? {} : { verb }),
  }))
}

/** Views that ask the policies as their owner, whom no policy stops. */
export async function viewMutants(db: Queryable): Promise<Mutant[]> {
  const { rows } = await db.query<{ name: string; object: string }>(VIEWS)
  return rows.map(({ name, object }) => ({
    kind: 'view as its owner',
    what: `${object} as its owner`,
    sql: `alter view api.${name} set (security_invoker = false)`,
    objects: [object],
  }))
}
