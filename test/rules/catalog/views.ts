/** Rules about what shows tables: views, materialized views, foreign tables; and about comments on them. */
import { OUR_FUNCTION, OUR_SCHEMA, WEB_ROLES } from './ours.ts'
import { sqlRule } from './rule.ts'

export const viewInvoker = sqlRule({
  name: '0010 security_invoker',
  says: 'view asks as its caller',
  query: `select n.nspname || '.' || c.relname as object,
      case when not coalesce('security_invoker=true' = any (c.reloptions), false)
        then 'asks as its owner, so row level security does not count; add with (security_invoker = true)' end as problem
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${OUR_SCHEMA} and c.relkind = 'v'`,
  defects: {
    'a view without it': 'create view api.seed as select id from core.users',
    'a view that lost it': 'alter view api.users set (security_invoker = false)',
    'a view outside api': 'create view core.seed as select id from core.users',
  },
})

export const noOpenStores = sqlRule({
  name: '0016, 0017 matviews and foreign tables',
  says: 'materialized view, foreign table and sequence is out of reach',
  query: `select n.nspname || '.' || c.relname as object, case when c.relkind in ('m', 'f', 'S') and exists (
        select from unnest(${WEB_ROLES} || array['howdah_authenticator']) role
        where case c.relkind when 'S' then has_sequence_privilege(role, c.oid, 'usage, select, update')
          else has_any_column_privilege(role, c.oid, 'select, insert, update') or has_table_privilege(role, c.oid, 'delete') end)
      then 'has no row level security and a web role reaches it' end as problem
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where ${OUR_SCHEMA} and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')`,
  defects: {
    'a materialized view': `create materialized view core.seed as select id from core.users;
      grant select on core.seed to howdah_user`,
    'one column of it': `create materialized view core.seed as select id from core.users;
      grant select (id) on core.seed to howdah_anon`,
    'open to public':
      'create materialized view core.seed as select id from core.users; grant select on core.seed to public',
    'a sequence': 'create sequence core.seed; grant usage on sequence core.seed to howdah_user',
  },
})

export const relationComments = sqlRule({
  name: 'comments on relations',
  says: 'view of api and each of its columns has a comment',
  query: `select format('api.%s%s', c.relname, '.' || a.attname) as object,
      case when coalesce(btrim(col_description(c.oid, a.attnum)), '') = '' then 'has no comment' end as problem
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = 'api' and c.relkind in ('r', 'p', 'v', 'm', 'f')
    union all
    select 'api.' || c.relname, case when coalesce(btrim(obj_description(c.oid, 'pg_class')), '') = '' then 'has no comment' end
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'api' and c.relkind in ('r', 'p', 'v', 'm', 'f')`,
  defects: {
    'a view without': `create view api.seed with (security_invoker = true) as select id from core.users;
      comment on column api.seed.id is 'Key.'`,
    'a column without': 'comment on column api.users.email is null',
  },
})

export const functionComments = sqlRule({
  name: 'comments on functions',
  says: 'function has a comment that begins with a sentence',
  query: `select p.oid::regprocedure::text as object,
      case when coalesce(btrim(split_part(obj_description(p.oid, 'pg_proc'), E'\\n', 1)), '') = '' then 'has no comment' end as problem
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${OUR_FUNCTION}`,
  defects: {
    'a function without': 'create function core.seed() returns int language sql return 1',
    'one that lost it': 'comment on function api.me() is null',
  },
})

/** All of them. */
export const viewRules = [viewInvoker, noOpenStores, relationComments, functionComments]
