/** The types of the database, with domains resolved. */
import { z } from 'zod'
import type { PostgresType } from '../shape/from-postgres-type.ts'
import { type Connection, readRows } from './database.ts'

const type = z.object({
  id: z.number(),
  name: z.string(),
  base: z.number(),
  element: z.number(),
  labels: z.array(z.string()),
  /** The row type of this relation, or 0. */
  relation: z.number(),
  hasChecks: z.boolean(),
})

/** Looks types up by their oid. */
export type TypeLookup = {
  get(id: number): PostgresType & { relation: number; hasDomainChecks: boolean }
}

/** Reads all types. */
export async function readTypes(connection: Connection): Promise<TypeLookup> {
  const rows = new Map((await readRows(connection, type, TYPES)).map((row) => [row.id, row]))
  const get: TypeLookup['get'] = (id) => {
    const row = rows.get(id)
    if (!row) return { name: 'unknown', labels: [], element: undefined, relation: 0, hasDomainChecks: false }
    if (row.base) return { ...get(row.base), hasDomainChecks: row.hasChecks || get(row.base).hasDomainChecks }
    const element = row.element ? get(row.element) : undefined
    return { name: row.name, labels: row.labels, element, relation: row.relation, hasDomainChecks: false }
  }
  return { get }
}

// typelem is also set for a few types that are no arrays (name, point); only true arrays have typcategory A.
const TYPES = `
  select
    t.oid::int as id,
    t.typname::text as name,
    case when t.typtype = 'd' then t.typbasetype else 0 end::int as base,
    case when t.typcategory = 'A' then t.typelem else 0 end::int as element,
    array(select e.enumlabel::text from pg_enum e where e.enumtypid = t.oid order by e.enumsortorder) as labels,
    t.typrelid::int as relation,
    exists (select from pg_constraint k where k.contypid = t.oid and k.contype = 'c') as "hasChecks"
  from pg_type t`
