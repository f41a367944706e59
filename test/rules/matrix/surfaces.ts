/** What is attacked, from the catalog: views, functions and everything that must not be there at all. */
import { z } from 'zod'
import { OUR_FUNCTION } from '../catalog/ours.ts'
import type { Queryable } from '../catalog/rule.ts'

const WEB = `unnest(array['howdah_anon', 'howdah_user', 'howdah_admin']) role`

const view = z.object({
  name: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  /** Roles by verb; a column list each. A delete has an empty one. */
  grants: z.record(
    z.string(),
    z.partialRecord(z.enum(['select', 'insert', 'update', 'delete']), z.array(z.string())),
  ),
  /** Roles that policies named select_admin and the like show everybody's rows. */
  seesAll: z.array(z.string()),
  /** Shows rows of a table that belongs to people or organizations, with or without saying whose they are. */
  isOwned: z.boolean(),
})
const fn = z.object({
  name: z.string(),
  identity: z.string(),
  args: z.array(z.object({ name: z.string(), type: z.string(), isRequired: z.boolean() })),
  roles: z.array(z.string()),
  isVolatile: z.boolean(),
  /** Refuses calls with a preference, such as the one that undoes them. */
  wantsPlainCall: z.boolean(),
})
const hidden = z.object({ schema: z.string(), name: z.string() })

export type View = z.infer<typeof view>
export type Fn = z.infer<typeof fn>
export type Hidden = z.infer<typeof hidden>
export type Surfaces = { views: View[]; functions: Fn[]; hidden: Hidden[] }

/** Reads all three from the catalog. */
export async function surfacesOf(db: Queryable): Promise<Surfaces> {
  const views = await db.query(`
    select c.relname as name,
      (select jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, null)) order by a.attnum)
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
      (select jsonb_object_agg(role, (
          select coalesce(jsonb_object_agg(verb, columns), '{}') from (
            select verb, (select coalesce(jsonb_agg(a.attname order by a.attnum), '[]') from pg_attribute a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and verb <> 'delete'
                and has_column_privilege(role, c.oid, a.attnum, verb)) as columns
            from unnest(array['select', 'insert', 'update', 'delete']) verb) granted
          where columns <> '[]' or verb = 'delete' and has_table_privilege(role, c.oid, 'delete'))) from ${WEB}) as grants,
      (select coalesce(jsonb_agg(distinct r.rolname), '[]') from pg_rewrite w
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
        join pg_policy p on p.polrelid = d.refobjid and p.polname ~ '_admin$' join pg_roles r on r.oid = any (p.polroles)
        where w.ev_class = c.oid) as "seesAll",
      exists (select from pg_rewrite w
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
        left join pg_constraint f on f.conrelid = d.refobjid and f.contype = 'f' and f.confrelid = 'core.users'::regclass
        left join pg_attribute a on a.attrelid = d.refobjid and a.attname in ('organization_id', 'workspace_id')
        where w.ev_class = c.oid
          and (f.oid is not null or a.attname is not null or d.refobjid = 'core.users'::regclass)) as "isOwned"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'api' and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1`)
  const functions = await db.query(`
    select p.proname as name, p.oid::regprocedure::text as identity, p.provolatile = 'v' as "isVolatile",
      coalesce(p.prosrc ~ 'require_plain_call', false) as "wantsPlainCall",
      coalesce((select jsonb_agg(jsonb_build_object('name', coalesce(p.proargnames[i], ''), 'type', format_type(p.proargtypes[i - 1], null),
        'isRequired', i <= p.pronargs - p.pronargdefaults) order by i) from generate_series(1, p.pronargs) i), '[]') as args,
      coalesce((select jsonb_agg(role) from ${WEB} where has_function_privilege(role, p.oid, 'execute')), '[]') as roles
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'api' and ${OUR_FUNCTION} order by 2`)
  const unreachable = await db.query(`
    select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname not in ('api', 'information_schema', 'extensions') and n.nspname !~ '^pg_(toast|temp)'
      and (n.nspname <> 'pg_catalog' or c.relname in ('pg_authid', 'pg_shadow', 'pg_stats', 'pg_stat_activity', 'pg_settings'))
      and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1, 2`)
  return {
    views: z.array(view).parse(views.rows),
    functions: z.array(fn).parse(functions.rows),
    hidden: z.array(hidden).parse(unreachable.rows),
  }
}
