/** All that the SDK is generated from, read in one snapshot. */
import { parseCheck } from '../checks/parse-check.ts'
import { type CatalogCheck, readChecks } from './checks.ts'
import { type CatalogColumn, readColumns } from './columns.ts'
import type { Connection } from './database.ts'
import { type CatalogueEntry, readErrorCatalogue } from './error-catalogue.ts'
import { type ErrorCode, readErrorCodes } from './error-codes.ts'
import { type CatalogFunction, readFunctions } from './functions.ts'
import { type CatalogJsonSchema, readJsonSchema } from './json-schemas.ts'
import { schemaFunctionsIn } from './schema-functions.ts'
import { readTags } from './tags.ts'
import { readTypes, type TypeLookup } from './types.ts'
import { type CatalogView, readViews } from './views.ts'

/** A check with its parts, which must all hold. */
export type ParsedCheck = CatalogCheck & { parts: Awaited<ReturnType<typeof parseCheck>> }

/** What was read. */
export type Catalog = {
  views: CatalogView[]
  columns: CatalogColumn[]
  checks: ParsedCheck[]
  types: TypeLookup
  functions: CatalogFunction[]
  jsonSchemas: CatalogJsonSchema[]
  errors: CatalogueEntry[]
  errorCodes: ErrorCode[]
}

/** Reads the catalog; the connection is in a transaction whose search path is pg_catalog only. */
export async function readCatalog(connection: Connection): Promise<Catalog> {
  const views = await readViews(connection)
  const columns = await readColumns(connection)
  const checks: ParsedCheck[] = []
  for (const check of await readChecks(connection)) {
    checks.push({ ...check, parts: await parseCheck(check.definition) })
  }
  const types = await readTypes(connection)
  const functions = await readFunctions(connection)
  const errors = await readErrorCatalogue(connection)
  const errorCodes = await readErrorCodes(connection, errors)
  const declared = functions.map(
    ({ comment, name }) => readTags(comment ?? '', `function api.${name}`).returns,
  )
  const named = new Set([...declared, ...checks.flatMap(schemaFunctionsIn)])
  const jsonSchemas: CatalogJsonSchema[] = []
  for (const name of [...named].filter((name) => name !== undefined).sort()) {
    jsonSchemas.push(await readJsonSchema(connection, name))
  }
  return { views, columns, checks, types, functions, jsonSchemas, errors, errorCodes }
}
