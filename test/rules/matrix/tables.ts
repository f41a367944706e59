/** What the catalog says about the base tables: columns, foreign keys, and whose their rows are. */
import { z } from 'zod'
import { OUR_TABLE } from '../catalog/ours.ts'
import type { Queryable } from '../catalog/rule.ts'

const column = z.object({
  name: z.string(),
  type: z.string(),
  isRequired: z.boolean(),
  /** The table that a foreign key with this column points at, and the column there. */
  target: z.string().nullable(),
  targetColumn: z.string().nullable(),
})
const table = z.object({
  name: z.string(),
  columns: z.array(column),
  /** The column that holds the id of a person in core.users; null for what belongs to everybody or to the house. */
  owner: z.string().nullable(),
  /** Its rows are some organization's, so they are nobody else's although no person owns them. */
  isOfTenant: z.boolean(),
  /** Its key is a person and something of the tenant's. */
  isMembership: z.boolean(),
  /** A web role may read at least one of its columns. */
  isReadable: z.boolean(),
})

export type Column = z.infer<typeof column>
export type Table = z.infer<typeof table>

/** Every table of ours but the partitions. */
export async function tablesOf(db: Queryable): Promise<Table[]> {
  const { rows } = await db.query(`
    select n.nspname || '.' || c.relname as name,
      (select jsonb_agg(jsonb_build_object(
        'name', a.attname,
        'type', format_type(a.atttypid, null),
        'isRequired', a.attnotnull and not a.atthasdef and a.attidentity = '',
        'target', f.confrelid::regclass::text,
        'targetColumn', (select t.attname from pg_attribute t
          where t.attrelid = f.confrelid and t.attnum = f.confkey[array_position(f.conkey, a.attnum)])
        ) order by a.attnum)
        from pg_attribute a
        left join lateral (
          select k.confrelid, k.conkey, k.confkey from pg_constraint k
          where k.conrelid = c.oid and k.contype = 'f' and k.conparentid = 0 and a.attnum = any (k.conkey)
          order by cardinality(k.conkey), k.conname limit 1) f on true
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
      case when c.oid = 'core.users'::regclass then 'id' else (
        select a.attname from pg_constraint f join pg_attribute a on a.attrelid = c.oid and f.conkey = array[a.attnum]
        where f.conrelid = c.oid and f.contype = 'f' and f.confrelid = 'core.users'::regclass
        order by a.attname <> 'user_id' limit 1) end as owner,
      c.oid = 'core.organizations'::regclass or exists (select from pg_attribute a where a.attrelid = c.oid
        and not a.attisdropped and a.attname in ('organization_id', 'workspace_id')) as "isOfTenant",
      (select count(*) = 2 from pg_constraint k join pg_attribute a on a.attrelid = c.oid and a.attnum = any (k.conkey)
        where k.conrelid = c.oid and k.contype = 'p' and cardinality(k.conkey) = 2
          and a.attname in ('user_id', 'organization_id', 'workspace_id', 'team_id')) as "isMembership",
      exists (select from unnest(array['howdah_anon', 'howdah_user', 'howdah_admin']) role
        where has_any_column_privilege(role, c.oid, 'select')) as "isReadable"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where ${OUR_TABLE} and not c.relispartition order by 1`)
  return z.array(table).parse(rows)
}
