/** Everything of ours in a database as text, to compare two states of it. */
import { catalogTables } from '../../stack/db/catalog-tables.ts'
import { schemaText } from '../../stack/db/schema-text.ts'
import { adminUrlFor, type Target } from '../../stack/provision/target.ts'
import { withClient } from '../../stack/provision/with-client.ts'

/** What is not a table: schemas with their rights, functions, views, triggers, policies, and default rights. */
const OBJECTS = `
  select format('%s %s', kind, text) collate "C" as line from (
    select 'schema' as kind, format('%s %s %s', nspname, nspowner::regrole, nspacl) as text, oid as schema
    from pg_namespace
    union all
    select 'function', format('%s %s %s', pg_get_functiondef(oid), proacl, obj_description(oid)), pronamespace
    from pg_proc where prokind in ('f', 'p')
    union all
    select 'view', format('%s %s %s %s', oid::regclass, pg_get_viewdef(oid), relacl, reloptions), relnamespace
    from pg_class where relkind in ('v', 'm')
    union all
    select 'table rights', format('%s %s', oid::regclass, relacl), relnamespace
    from pg_class where relkind in ('r', 'p') and not relispartition
    union all
    select 'trigger', pg_get_triggerdef(t.oid), relnamespace
    from pg_trigger t join pg_class c on c.oid = tgrelid where not tgisinternal and not relispartition
    union all
    select 'policy', format('%s %s %s %s %s %s', polrelid::regclass, polname, polcmd, polroles::regrole[],
      pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)), relnamespace
    from pg_policy p join pg_class c on c.oid = polrelid where not relispartition
    union all
    select 'default rights', format('%s %s %s', defaclrole::regrole, defaclobjtype, defaclacl), 0 from pg_default_acl
  ) objects
  left join pg_namespace n on n.oid = schema
  where nspname is null or nspname !~ '^(pg_|information_schema$|graphile_|extensions$)'
  order by line`

/** Tables as schema.sql prints them, then every other object. */
export function catalogText(target: Target): Promise<string> {
  return withClient(adminUrlFor(target, target.database), async (client) => {
    const tables = schemaText(await catalogTables(client))
    const { rows } = await client.query<{ line: string }>(OBJECTS)
    return [tables, ...rows.map((row) => row.line)].join('\n')
  })
}
