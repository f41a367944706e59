/** Rules about roles: what they are and what they may create. */
import { OUR_SCHEMA } from './ours.ts'
import { sqlRule } from './rule.ts'

/**
 * The only memberships there are; operators become users and admins in ops.act_as(), own the job queue's doors, and
 * see what other sessions do (ops/monitoring) and end them (ops/emergency). The worker vacuums what it does not own.
 */
const MEMBERSHIPS = `(values ('howdah_authenticator', 'howdah_anon'), ('howdah_authenticator', 'howdah_user'),
  ('howdah_authenticator', 'howdah_admin'), ('howdah_authenticator', 'howdah_metrics'), ('howdah_migrations', 'howdah_worker'),
  ('howdah_migrations', 'howdah_user'), ('howdah_migrations', 'howdah_admin'),
  ('howdah_monitoring', 'pg_monitor'), ('howdah_backup', 'pg_read_all_data'),
  ('howdah_migrations', 'pg_read_all_stats'), ('howdah_migrations', 'pg_signal_backend'),
  ('howdah_worker', 'pg_maintain'))`

export const roleAttributes = sqlRule({
  name: 'R-12 attributes of roles',
  says: 'role has no power it does not need',
  query: `select r.rolname as object, nullif(concat_ws('; ',
      case when r.rolsuper then 'is superuser' end,
      case when r.rolcreaterole or r.rolcreatedb then 'may create roles or databases' end,
      -- A backup is a copy of everything.
      case when r.rolbypassrls and r.rolname <> 'howdah_backup' then 'bypasses row level security' end,
      case when r.rolreplication and r.rolname <> 'howdah_backup' then 'may replicate' end,
      case when r.rolcanlogin and r.rolname not in ('howdah_migrations', 'howdah_authenticator', 'howdah_worker')
        then 'may log in' end,
      case when r.rolname = 'howdah_authenticator' and r.rolinherit then 'inherits the roles it becomes' end,
      (select 'has no ' || string_agg(setting, ', ')
        from unnest(array['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout']) setting
        where not coalesce(r.rolconfig::text ~ ('\\y' || setting || '=[1-9]'), false)
          -- Operators decide for themselves; a login that becomes others has no transactions of its own; 15 and 16 know no such limit.
          and r.rolname <> 'howdah_migrations' and (r.rolname, setting) <> ('howdah_authenticator', 'transaction_timeout')
          and (setting <> 'transaction_timeout' or current_setting('server_version_num')::int >= 170000)),
      (select 'is a member of ' || string_agg(g.rolname, ', ' order by g.rolname)
        from pg_auth_members m join pg_roles g on g.oid = m.roleid
        where m.member = r.oid and (r.rolname, g.rolname) not in (select * from ${MEMBERSHIPS} known))
    ), '') as problem
    from pg_roles r where r.rolname ~ '^howdah_'`,
  defects: {
    superuser: 'alter role howdah_user superuser',
    bypassrls: 'alter role howdah_worker bypassrls',
    'a login': 'alter role howdah_anon login',
    'an inheriting authenticator': 'alter role howdah_authenticator inherit',
    replication: 'alter role howdah_readonly replication',
    'no timeout': 'alter role howdah_anon reset statement_timeout',
    'no end of waiting': 'alter role howdah_worker reset lock_timeout',
    'no end of idleness': 'alter role howdah_readonly reset idle_in_transaction_session_timeout',
    'a membership': 'grant howdah_admin to howdah_user',
    'membership of a stranger': 'grant pg_read_all_data to howdah_user',
  },
})

export const roleCreates = sqlRule({
  name: 'R-12 creating',
  says: 'role but the owner creates nothing anywhere',
  query: `select r.rolname as object, nullif(concat_ws('; ',
      case when has_database_privilege(r.rolname, current_database(), 'create') then 'may create schemas' end,
      case when has_database_privilege(r.rolname, current_database(), 'temporary') then 'may create temporary tables' end,
      (select 'may create in ' || string_agg(n.nspname, ', ') from pg_namespace n
        where has_schema_privilege(r.rolname, n.oid, 'create') and n.nspname !~ '^pg_(toast_)?temp'
          -- The library keeps its own tables there and nobody else enters.
          and (r.rolname, n.nspname) <> ('howdah_worker', 'graphile_worker'))
    ), '') as problem
    from pg_roles r where r.rolname ~ '^howdah_' and r.rolname <> 'howdah_migrations'`,
  defects: {
    'in public': 'grant create on schema public to public',
    'in api': 'grant create on schema api to howdah_user',
    'temporary tables': `do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$`,
  },
})

export const authenticatorIsNobody = sqlRule({
  name: 'R-12 authenticator',
  says: 'schema is closed to howdah_authenticator, who owns nothing and may call one function',
  query: `select n.nspname::text as object, nullif(concat_ws('; ',
      case when has_schema_privilege('howdah_authenticator', n.oid, 'usage') and n.nspname <> 'core'
        then 'howdah_authenticator may enter' end,
      (select 'howdah_authenticator may call ' || string_agg(p.oid::regprocedure::text, ', ') from pg_proc p
        where p.pronamespace = n.oid and has_function_privilege('howdah_authenticator', p.oid, 'execute')
          and p.oid <> 'core.postgrest_settings()'::regprocedure),
      (select 'howdah_authenticator owns ' || count(*) || ' objects' from pg_shdepend s
        where s.refclassid = 'pg_authid'::regclass and s.refobjid = 'howdah_authenticator'::regrole and s.deptype = 'o'
          and s.dbid in (0, (select oid from pg_database where datname = current_database()))
        having count(*) > 0)
    ), '') as problem
    from pg_namespace n where ${OUR_SCHEMA} and n.nspname <> 'public'`,
  defects: {
    'a way in': 'grant usage on schema api to howdah_authenticator',
    'a function more': 'grant execute on function core.setting(text) to howdah_authenticator',
    'a way in for all': 'grant usage on schema private to public',
    'something owned':
      'create view core.seed as select 1 as id; alter view core.seed owner to howdah_authenticator',
  },
})

export const closedSchemas = sqlRule({
  name: 'closed schemas',
  says: 'schema but api and the modules is closed to web roles',
  query: `select n.nspname || ' ' || role as object, case when has_schema_privilege(role, n.oid, 'usage')
      and (n.nspname in ('private', 'gdpr', 'public', 'graphile_worker', 'graphile_migrate') or (n.nspname = 'ops' and role <> 'howdah_admin'))
      then 'may enter' end as problem
    from pg_namespace n, unnest(array['howdah_anon', 'howdah_user', 'howdah_admin', 'howdah_metrics', 'howdah_authenticator']) role
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`,
  defects: {
    private: 'grant usage on schema private to howdah_admin',
    'the job queue': 'grant usage on schema graphile_worker to howdah_user',
    'the operators’ schema': 'grant usage on schema ops to howdah_user',
  },
})

export const trustedExtensions = sqlRule({
  name: '0014 extensions',
  says: 'extension lives in a schema of its own',
  query: `select e.extname::text as object, case when n.nspname not in ('extensions', 'pg_catalog')
      then format('lives in %s; create it with schema extensions', n.nspname) end as problem
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace`,
  defects: { 'one in api': 'create extension citext schema api' },
})

/** All of them. */
export const roleRules = [
  roleAttributes,
  roleCreates,
  authenticatorIsNobody,
  closedSchemas,
  trustedExtensions,
]
