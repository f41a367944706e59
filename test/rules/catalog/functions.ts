/** Rules about functions: who may call them and where they look names up. */
import { OUR_FUNCTION } from './ours.ts'
import { sqlRule } from './rule.ts'

const FROM_FUNCTIONS = `from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  join pg_language l on l.oid = p.prolang where ${OUR_FUNCTION}`

export const pinnedPath = sqlRule({
  name: '0011 search_path',
  says: 'function that looks names up at run time has a pinned path',
  query: `select p.oid::regprocedure::text as object, case
      when exists (select from unnest(p.proconfig) s where s like 'search_path=%' and s <> 'search_path=pg_catalog, pg_temp')
        then 'has another path than pg_catalog, pg_temp'
      when (l.lanname <> 'sql' or p.prosecdef or p.prosqlbody is null)
        and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)
        then 'add: set search_path = pg_catalog, pg_temp' end as problem
    ${FROM_FUNCTIONS}`,
  defects: {
    'plpgsql without': `create function core.seed() returns void language plpgsql as 'begin end'`,
    'the empty path': `create function core.seed() returns void language plpgsql set search_path = '' as 'begin end'`,
    'a string body': `create function core.seed() returns int language sql as 'select 1'`,
    'a definer with a bound body':
      'create function core.seed() returns int language sql security definer return 1',
  },
})

export const notForPublic = sqlRule({
  name: 'R-05 not for public',
  says: 'function is closed to public',
  query: `select p.oid::regprocedure::text as object, case when p.proacl is null
      or exists (select from aclexplode(p.proacl) a where a.grantee = 0) then 'everybody may call it; revoke all … from public' end as problem
    ${FROM_FUNCTIONS}`,
  defects: {
    'made by a superuser without a revoke': 'create function api.seed() returns int language sql return 1',
    'granted to public': 'grant execute on function api.me() to public',
  },
})

export const definerOwner = sqlRule({
  name: 'R-11 owner of definer functions',
  says: 'definer function belongs to the owner of the database or to the worker, who are no superusers and obey row level security elsewhere',
  query: `select p.oid::regprocedure::text as object, case
      when r.rolname not in ('howdah_migrations', 'howdah_worker') then format('belongs to %s', r.rolname)
      when r.rolsuper or r.rolbypassrls then format('belongs to %s, who may do anything', r.rolname) end as problem
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_roles r on r.oid = p.proowner
    where ${OUR_FUNCTION} and p.prosecdef`,
  defects: {
    'a superuser': `create function core.seed() returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as 'begin end'`,
    'an owner who became one': 'alter role howdah_migrations superuser',
    'an owner who bypasses': 'alter role howdah_migrations bypassrls',
  },
})

/** All of them. */
export const functionRules = [pinnedPath, notForPublic, definerOwner]
