/** From a database to the text of every generated file. Writes nothing. */

import type { Connection } from './catalog/database.ts'
import { readMetadata } from './catalog/introspect.ts'
import { readCatalog } from './catalog/read-catalog.ts'
import { buildModel } from './model/build-model.ts'
import type { Model } from './model/model.ts'
import { printDatabase } from './print/print-database.ts'
import { printErrors } from './print/print-errors.ts'
import { printSchemas } from './print/print-schemas.ts'
import { printShapes } from './print/print-shapes.ts'

/** A file of the SDK; the path is relative to the project. */
export type GeneratedFile = { path: string; text: string }

/**
 * Generates the SDK's files from a database, as its owner (howdah_migrations).
 * @throws GeneratorError when the database says something the SDK cannot
 * @example
 * for (const { path, text } of await generateSdk(client)) await writeFile(path, text)
 */
export async function generateSdk(connection: Connection): Promise<GeneratedFile[]> {
  const { model, metadata } = await inSnapshot(connection, async () => ({
    model: buildModel(await readCatalog(connection)),
    metadata: await readMetadata(connection),
  }))
  const folder = 'sdk/src/generated'
  return [
    { path: `${folder}/database.ts`, text: await printDatabase(metadata, model) },
    { path: `${folder}/errors.ts`, text: await printErrors(model) },
    { path: `${folder}/schemas.ts`, text: await printSchemas(model) },
    { path: `${folder}/shapes.ts`, text: await printShapes(model.shapes) },
  ]
}

/** Reads what the SDK is made of, without printing it. */
export async function readModel(connection: Connection): Promise<Model> {
  return inSnapshot(connection, async () => buildModel(await readCatalog(connection)))
}

async function inSnapshot<T>(connection: Connection, read: () => Promise<T>): Promise<T> {
  await connection.query('begin isolation level repeatable read read only')
  try {
    // Names outside pg_catalog are then printed with their schema, whoever connects.
    await connection.query('set local search_path = pg_catalog')
    return await read()
  } finally {
    await connection.query('rollback')
  }
}
