/** Every column of the tables and views that API views can be made of, and what the web roles may do with it. */
import { z } from 'zod'
import { type Connection, readRows, WEB_ROLES } from './database.ts'

const column = z.object({
  relation: z.number(),
  number: z.number(),
  name: z.string(),
  type: z.number(),
  /** atttypmod; holds the scale of numeric(p, s). */
  modifier: z.number(),
  isNotNull: z.boolean(),
  hasDefault: z.boolean(),
  /** Generated, or an identity that takes no value. */
  isComputed: z.boolean(),
  comment: z.string().nullable(),
  readers: z.array(z.string()),
  inserters: z.array(z.string()),
  updaters: z.array(z.string()),
})

/** A column of a table or view. */
export type CatalogColumn = z.infer<typeof column>

/** Reads the columns of all relations outside the system's schemas. */
export function readColumns(connection: Connection): Promise<CatalogColumn[]> {
  return readRows(connection, column, COLUMNS, [WEB_ROLES])
}

const COLUMNS = `
  select
    c.oid::int as relation,
    a.attnum::int as number,
    a.attname::text as name,
    a.atttypid::int as type,
    a.atttypmod as modifier,
    a.attnotnull or (t.typtype = 'd' and t.typnotnull) as "isNotNull",
    a.atthasdef or a.attidentity <> '' or t.typdefault is not null as "hasDefault",
    a.attgenerated <> '' or a.attidentity = 'a' as "isComputed",
    col_description(c.oid, a.attnum) as comment,
    array(select r::text from unnest($1::text[]) r where has_column_privilege(r, c.oid, a.attnum, 'select')) as readers,
    array(select r::text from unnest($1::text[]) r where has_column_privilege(r, c.oid, a.attnum, 'insert')) as inserters,
    array(select r::text from unnest($1::text[]) r where has_column_privilege(r, c.oid, a.attnum, 'update')) as updaters
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  join pg_type t on t.oid = a.atttypid
  where c.relkind in ('r', 'p', 'v') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  order by c.oid, a.attnum`
