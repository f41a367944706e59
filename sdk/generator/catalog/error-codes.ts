/** Codes of PostgREST and Postgres, and the key that stands for each. */
import { z } from 'zod'
import { GeneratorError } from '../generator-error.ts'
import { type Connection, readRows } from './database.ts'
import type { CatalogueEntry } from './error-catalogue.ts'

const errorCode = z.object({ code: z.string(), key: z.string() })

/** A row of core.error_codes(). */
export type ErrorCode = z.infer<typeof errorCode>

/**
 * Reads the codes.
 * @throws GeneratorError for a key that the catalogue lacks
 */
export async function readErrorCodes(
  connection: Connection,
  catalogue: CatalogueEntry[],
): Promise<ErrorCode[]> {
  const codes = await readRows(
    connection,
    errorCode,
    'select code, key from core.error_codes() order by code collate "C"',
  )
  const stray = codes.find(({ key }) => !catalogue.some((entry) => entry.key === key))
  if (!stray) return codes
  throw new GeneratorError(
    `core.error_codes() gives ${stray.code} the key ${stray.key}, which core.error_catalogue() lacks.`,
  )
}
