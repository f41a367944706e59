/** Which part of the catalog is ours: every schema but Postgres' own and the libraries'. */

/** A condition on pg_namespace `n`. New schemas are ours without being listed. */
export const OUR_SCHEMA = `(n.nspname !~ '^pg_' and n.nspname not in
  ('information_schema', 'extensions', 'graphile_worker', 'graphile_migrate'))`

/** A condition on pg_class `c` and pg_namespace `n`: our tables, partitions and leaves too. */
export const OUR_TABLE = `(${OUR_SCHEMA} and c.relkind in ('r', 'p') and not exists (
  select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'))`

/** A condition on pg_proc `p` and pg_namespace `n`: our functions. */
export const OUR_FUNCTION = `(${OUR_SCHEMA} and not exists (
  select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'))`

/** The roles PostgREST becomes. */
export const WEB_ROLES = `array['howdah_anon', 'howdah_user', 'howdah_admin']`

/** Everybody who comes from outside: the web roles, the role that becomes them, the worker, people and tools. */
export const OUTSIDE_ROLES = `array['howdah_anon', 'howdah_user', 'howdah_admin', 'howdah_metrics', 'howdah_authenticator', 'howdah_worker',
  'howdah_analytics', 'howdah_readonly', 'howdah_monitoring']`
