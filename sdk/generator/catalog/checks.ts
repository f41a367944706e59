/** CHECK constraints of tables. */
import { z } from 'zod'
import { type Connection, readRows } from './database.ts'

const check = z.object({
  relation: z.number(),
  table: z.string(),
  name: z.string(),
  columns: z.array(z.number()),
  definition: z.string(),
  isValidated: z.boolean(),
})

/** A constraint as `pg_get_constraintdef` prints it. */
export type CatalogCheck = z.infer<typeof check>

/** Reads the checks of all tables outside the system's schemas; a partition's are its parent's. */
export function readChecks(connection: Connection): Promise<CatalogCheck[]> {
  return readRows(connection, check, CHECKS)
}

const CHECKS = `
  select
    k.conrelid::int as relation,
    n.nspname || '.' || c.relname as table,
    k.conname::text as name,
    coalesce(k.conkey, '{}')::int[] as columns,
    pg_get_constraintdef(k.oid) as definition,
    k.convalidated as "isValidated"
  from pg_constraint k
  join pg_class c on c.oid = k.conrelid
  join pg_namespace n on n.oid = c.relnamespace
  where k.contype = 'c' and not c.relispartition and n.nspname !~ '^pg_'
  order by 2, 3`
