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

/**
 * What a client could have undone by wrapping the call: whoever counts an attempt or refuses by an answer begins with
 * core.require_plain_call(). Initialisers run before that, so there nothing is called that writes.
 */
export const plainCall = sqlRule({
  name: 'plain calls',
  says: 'function of the API that counts or refuses by an answer asks for a plain call before anything else',
  query: `with recursive ours as materialized (
      select p.oid::regprocedure::text as object, n.nspname, n.nspname || '.' || p.proname || '(' as call, p.provolatile,
        p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '') as source
      ${FROM_FUNCTIONS}
    ), refusing as (
      select o.call from ours o where o.call in ('core.error_response(', 'private.take_attempt(')
      union
      select o.call from ours o join refusing r on strpos(o.source, r.call) > 0
    )
    select o.object, case
      when o.source !~ '^\\s*(declare\\s.*\\n)?begin\\s+perform core\\.require_plain_call\\(\\);'
        then 'does not begin with: perform core.require_plain_call();'
      else (
        select 'calls ' || min(w.call) || ') among its declarations, before core.require_plain_call()'
        from ours w
        where w.provolatile = 'v' and strpos(substring(o.source from '^(.*?)\\nbegin\\s'), w.call) > 0
      ) end as problem
    from ours o
    where o.nspname = 'api' and (o.call in (select r.call from refusing r) or strpos(o.source, 'core.require_plain_call(') > 0)`,
  exceptions: {
    'api.track_events(jsonb,timestamp with time zone)':
      'private.store_events() asks, before anything is counted',
    'api.track_events_csv(text)': 'the same; before it the text is only read',
  },
  defects: {
    'a token used up by an initialiser': `create function api.seed(token text) returns void language plpgsql as $$
declare
  v_token private.one_time_tokens := private.redeem_one_time_token(seed.token, array['sign_up']);
begin
  perform core.require_plain_call();
end
$$`,
    'a password asked for first': `create function api.seed(password text) returns jsonb language plpgsql as $$
begin
  return private.reauthenticate(seed.password);
end
$$`,
  },
})

/** All of them. */
export const functionRules = [pinnedPath, notForPublic, definerOwner, plainCall]
