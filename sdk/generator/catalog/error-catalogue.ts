/** The error keys that the API can answer with. */
import { z } from 'zod'
import { type Connection, readRows } from './database.ts'

const catalogueEntry = z.object({
  key: z.string().regex(/^[a-z][a-z0-9_]*$/),
  status: z.int().min(400).max(599),
  summary: z.string(),
  hint: z.string(),
})

/** A row of core.error_catalogue(). */
export type CatalogueEntry = z.infer<typeof catalogueEntry>

/** Reads the catalogue, by key. */
export function readErrorCatalogue(connection: Connection): Promise<CatalogueEntry[]> {
  return readRows(
    connection,
    catalogueEntry,
    'select key, status, summary, hint from core.error_catalogue() order by key collate "C"',
  )
}
