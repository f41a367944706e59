/**
 * All that makes a database what it is, as sorted lines of text: two databases are equal when these are. Where pg_dump
 * would be used elsewhere; the embedded Postgres ships none.
 */
import { OUR_FUNCTION, OUR_SCHEMA, OUR_TABLE } from './ours.ts'
import type { Queryable } from './rule.ts'

const RELATION = `n.nspname || '.' || c.relname`
const OF_TABLES = `join pg_class c on c.oid = x.relid join pg_namespace n on n.oid = c.relnamespace where ${OUR_TABLE}`
/** Grants as a sorted list; their order in the catalog tells only who was first. */
const grants = (acl: string, kind: string, owner: string) =>
  `(select string_agg(item::text, ' ' order by item::text) from unnest(coalesce(${acl}, acldefault('${kind}', ${owner}))) item)`

const PARTS = {
  schema: `select n.nspname as name, ${grants('n.nspacl', 'n', 'n.nspowner')} as definition from pg_namespace n where ${OUR_SCHEMA}`,
  function: `select p.oid::regprocedure::text, pg_get_functiondef(p.oid) || ' ' || ${grants('p.proacl', 'f', 'p.proowner')}
    || ' ' || p.proowner::regrole from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${OUR_FUNCTION} and p.prokind in ('f', 'p')`,
  relation: `select ${RELATION}, concat_ws(' ', c.relkind, c.relowner::regrole, c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
      pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid), ${grants('c.relacl', 'r', 'c.relowner')})
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${OUR_SCHEMA} and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')`,
  view: `select ${RELATION}, pg_get_viewdef(c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where ${OUR_SCHEMA} and c.relkind in ('v', 'm')`,
  column: `select format('%s.%s.%s', n.nspname, c.relname, a.attname), concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull,
      a.attgenerated, pg_get_expr(d.adbin, d.adrelid), (select string_agg(item::text, ' ' order by item::text) from unnest(a.attacl) item))
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where ${OUR_SCHEMA} and c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped`,
  constraint: `select format('%s.%s %s', n.nspname, c.relname, x.conname), pg_get_constraintdef(x.oid)
    from (select *, conrelid as relid from pg_constraint) x ${OF_TABLES}`,
  index: `select x.indexrelid::regclass::text, pg_get_indexdef(x.indexrelid) || x.indisvalid::text
    from (select *, indrelid as relid from pg_index) x ${OF_TABLES}`,
  trigger: `select format('%s.%s %s', n.nspname, c.relname, x.tgname), pg_get_triggerdef(x.oid) || x.tgenabled::text
    from (select *, tgrelid as relid from pg_trigger) x ${OF_TABLES} and not x.tgisinternal`,
  policy: `select format('%s.%s %s', n.nspname, c.relname, x.polname), concat_ws(' ', x.polcmd, x.polpermissive,
      (select string_agg(case role when 0 then 'public' else role::regrole::text end, ' ' order by role::regrole::text) from unnest(x.polroles) role),
      pg_get_expr(x.polqual, x.polrelid), 'check', pg_get_expr(x.polwithcheck, x.polrelid))
    from (select *, polrelid as relid from pg_policy) x ${OF_TABLES}`,
  comment: `select format('%s %s', x.type, x.identity), s.description from pg_description s,
      pg_identify_object(s.classoid, s.objoid, s.objsubid) x
    where x.schema in (select n.nspname from pg_namespace n where ${OUR_SCHEMA}) or x.type = 'schema'`,
  default_privilege: `select format('%s %s %s', d.defaclrole::regrole, d.defaclnamespace::regnamespace, d.defaclobjtype), d.defaclacl::text
    from pg_default_acl d`,
  setting: `select format('%s %s', coalesce(r.rolname, 'all'), coalesce(d.datname, 'all')), s.setconfig::text
    from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase
    where s.setdatabase = 0 or d.datname = current_database()`,
  declared_column: `select format('%s.%s.%s', p.schema_name, p.table_name, p.column_name), to_jsonb(p)::text from gdpr.column_policies p`,
  declared_activity: 'select a.name, to_jsonb(a)::text from gdpr.processing_activities a',
  declared_retention: 'select r.name, to_jsonb(r)::text from gdpr.retention_policies r',
  declared_view_column: `select format('%s.%s.%s', v.schema_name, v.view_name, v.column_name), to_jsonb(v)::text from gdpr.view_columns v`,
  processing_record: 'select v.number::text, v.record::text from gdpr.processing_record_versions v',
  declared_partitions: `select format('%s.%s', p.schema_name, p.table_name), to_jsonb(p)::text from ops.partitioned_tables p`,
  declared_audit: `select format('%s.%s', a.schema_name, a.table_name), to_jsonb(a)::text from core.audited_tables a`,
}

/** One line for each object: `kind name: definition`. */
export async function fingerprint(db: Queryable): Promise<string[]> {
  const query = Object.entries(PARTS)
    .map(([kind, select]) => `select '${kind}' as kind, * from (${select}) as part (name, definition)`)
    .join('\nunion all\n')
  const { rows } = await db.query<{ kind: string; name: string; definition: string | null }>(query)
  return rows.map(({ kind, name, definition }) => `${kind} ${name}: ${definition ?? ''}`).sort()
}

/** The kinds a fingerprint covers, for tests that want to see each of them. */
export const FINGERPRINT_KINDS: readonly string[] = Object.keys(PARTS)
