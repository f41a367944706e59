/** Rules about grants: what nobody from outside may hold, and what a new object is born with. */
import { OUR_SCHEMA, OUR_TABLE, OUTSIDE_ROLES } from './ours.ts'
import type { CatalogRule, Queryable } from './rule.ts'
import { sqlRule } from './rule.ts'

const ANY_COLUMN = `has_any_column_privilege(role, c.oid, 'select, insert, update, references')`
const ANY_TABLE = `has_table_privilege(role, c.oid, 'select, insert, update, delete, truncate, references, trigger')`

export const dangerousGrants = sqlRule({
  name: 'R-30 truncate, references, trigger',
  says: 'relation keeps truncate, references and trigger from those outside',
  query: `select n.nspname || '.' || c.relname || ' ' || role as object,
      case when has_table_privilege(role, c.oid, 'truncate, references, trigger') or has_any_column_privilege(role, c.oid, 'references')
        then 'may truncate it, point a key at it or attach a trigger; row level security asks about none' end as problem
    from pg_class c join pg_namespace n on n.oid = c.relnamespace, unnest(${OUTSIDE_ROLES}) role
    where ${OUR_SCHEMA} and c.relkind in ('r', 'p', 'v', 'm', 'f')`,
  defects: {
    truncate: 'grant truncate on core.users to howdah_user',
    trigger: 'grant trigger on core.users to public',
    'references on a column': 'grant references (id) on core.users to howdah_user',
    'all on a view': 'grant all on api.users to howdah_user',
  },
})

export const leavesAreClosed = sqlRule({
  name: 'R-03 leaf partitions',
  says: 'partition is reached through its parent only, so its policies count',
  query: `select n.nspname || '.' || c.relname || ' ' || role as object,
      case when ${ANY_TABLE} or ${ANY_COLUMN} then 'has privileges on the partition itself' end as problem
    from pg_class c join pg_namespace n on n.oid = c.relnamespace, unnest(${OUTSIDE_ROLES}) role
    where ${OUR_TABLE} and c.relispartition`,
  defects: {
    'a granted leaf': `create table core.seed (id int primary key) partition by range (id);
      create table core.seed_1 partition of core.seed for values from (1) to (2);
      grant select on core.seed_1 to howdah_user`,
    'one column of a leaf': `create table core.seed (id int primary key) partition by range (id);
      create table core.seed_1 partition of core.seed for values from (1) to (2);
      grant select (id) on core.seed_1 to howdah_anon`,
  },
})

/** What the owner creates next is closed to everybody: looked at by creating it. */
export const bornClosed: CatalogRule = {
  name: 'default privileges',
  says: 'object is born closed to everybody outside',
  async check(db: Queryable) {
    await db.query(`set local role howdah_migrations;
      create function core.probe() returns int language sql return 1;
      create table core.probe (id int primary key);
      create view api.probe as select id from core.probe;
      create sequence core.probe_seq;
      create schema probe;
      reset role`)
    const { rows } = await db.query<{ object: string; problem: string | null }>(`
      select object, case when is_open then 'is open to ' || role end as problem
      from unnest(${OUTSIDE_ROLES}) role, lateral (values
        ('function ' || role, has_function_privilege(role, 'core.probe()', 'execute')),
        ('table ' || role, has_table_privilege(role, 'core.probe', 'select, insert, update, delete')),
        ('view ' || role, has_table_privilege(role, 'api.probe', 'select, insert, update, delete')),
        ('sequence ' || role, has_sequence_privilege(role, 'core.probe_seq', 'usage, select, update')),
        ('schema ' || role, has_schema_privilege(role, 'probe', 'usage, create'))) as probe (object, is_open)`)
    const findings = rows.flatMap(({ object, problem }) => (problem ? [`${object}: ${problem}`] : []))
    return { looked: rows.map(({ object }) => object), findings }
  },
  defects: {
    'functions for public again':
      'alter default privileges for role howdah_migrations grant execute on functions to public',
    'tables for users':
      'alter default privileges for role howdah_migrations in schema api grant select on tables to howdah_user',
  },
}

/** All of them. */
export const privilegeRules = [dangerousGrants, leavesAreClosed, bornClosed]
