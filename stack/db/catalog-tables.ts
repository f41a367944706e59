/** Reads every table of ours from the catalog. Leaf partitions are left out: which months exist depends on the day. */
import type pg from 'pg'

/** One table as schema.sql prints it. */
export type CatalogTable = {
  oid: string
  name: string
  comment: string | null
  partitionKey: string | null
  hasRls: boolean
  forcesRls: boolean
  columns: CatalogColumn[]
  constraints: { name: string; definition: string }[]
  indexes: string[]
}

/** One column. */
export type CatalogColumn = {
  name: string
  type: string
  isNotNull: boolean
  default: string | null
  /** s: stored, v: virtual, empty: not generated. */
  generated: string
  /** a: always, d: by default, empty: no identity. */
  identity: string
  comment: string | null
}

/** Schemas of libraries and of Postgres itself. */
const NOT_OURS = `n.nspname !~ '^(pg_|information_schema$|graphile_|extensions$|public$)'`

const TABLES = `
  select c.oid::text, c.oid::regclass::text as name, obj_description(c.oid, 'pg_class') as comment,
    pg_get_partkeydef(c.oid) as "partitionKey", c.relrowsecurity as "hasRls", c.relforcerowsecurity as "forcesRls"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and ${NOT_OURS}
  order by n.nspname collate "C", c.relname collate "C"`

const COLUMNS = `
  select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as "isNotNull",
    pg_get_expr(d.adbin, d.adrelid) as default, a.attgenerated::text as generated, a.attidentity::text as identity,
    col_description(a.attrelid, a.attnum) as comment
  from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
  order by a.attnum`

// Not-null constraints (18 and later have them as rows) stand beside their columns.
const CONSTRAINTS = `
  select conname as name, pg_get_constraintdef(oid) as definition
  from pg_constraint where conrelid = $1 and contype not in ('n', 't')
  order by position(contype::text in 'pucfx'), conname collate "C"`

const INDEXES = `
  select pg_get_indexdef(i.indexrelid) as definition
  from pg_index i join pg_class c on c.oid = i.indexrelid
  where i.indrelid = $1 and not exists (select from pg_constraint where conindid = i.indexrelid and conrelid = $1)
  order by c.relname collate "C"`

/** All tables of our schemas, sorted by name. */
export async function catalogTables(client: pg.ClientBase): Promise<CatalogTable[]> {
  // Every name in a definition is printed with its schema then.
  await client.query('set search_path = pg_catalog')
  const { rows: tables } =
    await client.query<Omit<CatalogTable, 'columns' | 'constraints' | 'indexes'>>(TABLES)
  const read: CatalogTable[] = []
  for (const table of tables) {
    const columns = await client.query<CatalogColumn>(COLUMNS, [table.oid])
    const constraints = await client.query<CatalogTable['constraints'][number]>(CONSTRAINTS, [table.oid])
    const indexes = await client.query<{ definition: string }>(INDEXES, [table.oid])
    read.push({
      ...table,
      columns: columns.rows,
      constraints: constraints.rows,
      indexes: indexes.rows.map((row) => row.definition),
    })
  }
  return read
}
