/** What @supabase/postgrest-typegen reads: relationships between views, above all. */
import { type GeneratorMetadata, introspect, sortGeneratorMetadata } from '@supabase/postgrest-typegen'
import { z } from 'zod'
import { API_SCHEMA, type Connection, readRows } from './database.ts'

/** Reads the API's schema and those whose tables its views show; without these no relationship is found. */
export async function readMetadata(connection: Connection): Promise<GeneratorMetadata> {
  const schemas = await readRows(connection, z.object({ name: z.string() }), SCHEMAS, [API_SCHEMA])
  // Its queries are started all at once, which a single connection deprecates; they take turns here.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = {
    query: (sql: string) => {
      const next = last.then(() => connection.query(sql))
      last = next.catch(() => {})
      return next
    },
  }
  return sortGeneratorMetadata(await introspect(inTurn, { includedSchemas: schemas.map(({ name }) => name) }))
}

const SCHEMAS = `
  select n.nspname::text as name
  from pg_namespace n
  where n.nspname = $1 or exists (
    select from pg_depend d
    join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
    join pg_class v on v.oid = r.ev_class and v.relkind = 'v' and v.relnamespace = $1::regnamespace
    join pg_class c on d.refclassid = 'pg_class'::regclass and c.oid = d.refobjid
    where c.relnamespace = n.oid
  )
  order by 1`
