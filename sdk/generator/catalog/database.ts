/** How the generator asks the database. */
import type { ClientBase } from 'pg'
import { z } from 'zod'

/** A connection as the owner of the database (howdah_migrations). One client, no pool: all reads see one snapshot. */
export type Connection = Pick<ClientBase, 'query'>

/** The roles PostgREST becomes; only what one of them can reach is part of the SDK. */
export const WEB_ROLES = ['howdah_anon', 'howdah_user', 'howdah_admin'] as const

/** The schema that PostgREST serves. */
export const API_SCHEMA = 'api'

/** Runs a query and parses its rows. */
export async function readRows<T extends z.ZodType>(
  connection: Connection,
  row: T,
  sql: string,
  values: unknown[] = [],
): Promise<z.infer<T>[]> {
  const { rows } = await connection.query(sql, values)
  return z.array(row).parse(rows)
}
