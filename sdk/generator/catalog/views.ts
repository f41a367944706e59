/** The API's views. */
import { z } from 'zod'
import { API_SCHEMA, type Connection, readRows } from './database.ts'

const view = z.object({
  relation: z.number(),
  schema: z.string(),
  name: z.string(),
  comment: z.string().nullable(),
  /** The parsed query, as pg_node_tree prints it. */
  rule: z.string(),
  /** Privileges of the one who asks are checked on the tables behind, too. */
  isInvoker: z.boolean(),
  takesInserts: z.boolean(),
  takesUpdates: z.boolean(),
})

/** A view; also those outside the API, because API views may read them. */
export type CatalogView = z.infer<typeof view>

/** Reads all views outside the system's schemas. */
export function readViews(connection: Connection): Promise<CatalogView[]> {
  return readRows(connection, view, VIEWS)
}

/** Whether a view is in the schema that PostgREST serves. */
export function isApiView(candidate: CatalogView): boolean {
  return candidate.schema === API_SCHEMA
}

// pg_relation_is_updatable() answers with bits; 8 is insert, 4 is update. True includes INSTEAD OF triggers.
const VIEWS = `
  select
    c.oid::int as relation,
    n.nspname::text as schema,
    c.relname::text as name,
    obj_description(c.oid, 'pg_class') as comment,
    r.ev_action::text as rule,
    coalesce('security_invoker=true' = any (c.reloptions) or 'security_invoker=on' = any (c.reloptions), false)
      as "isInvoker",
    pg_relation_is_updatable(c.oid, true) & 8 = 8 as "takesInserts",
    pg_relation_is_updatable(c.oid, true) & 4 = 4 as "takesUpdates"
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_rewrite r on r.ev_class = c.oid and r.rulename = '_RETURN'
  where c.relkind = 'v' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  order by n.nspname, c.relname`
