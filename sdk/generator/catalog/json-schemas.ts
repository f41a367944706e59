/** Calls the functions that return a JSON Schema. */
import { escapeIdentifier } from 'pg'
import { z } from 'zod'
import { GeneratorError } from '../generator-error.ts'
import { type Connection, readRows } from './database.ts'

const answer = z.object({ schema: z.record(z.string(), z.unknown()), comment: z.string().nullable() })

/** A schema and the comment on its function. */
export type CatalogJsonSchema = z.infer<typeof answer> & { schemaFunction: string }

/**
 * Calls one function such as `briefing.card_schema`.
 * @throws GeneratorError when there is no such function
 */
export async function readJsonSchema(
  connection: Connection,
  schemaFunction: string,
): Promise<CatalogJsonSchema> {
  const signature = `${schemaFunction.split('.').map(escapeIdentifier).join('.')}()`
  const found = await connection.query('select to_regprocedure($1) as id', [signature])
  if (found.rows[0].id === null) {
    throw new GeneratorError(
      `A JSON Schema is to come from ${schemaFunction}(), but no such function without arguments exists.`,
    )
  }
  const [row] = await readRows(
    connection,
    answer,
    `select ${signature} as schema, obj_description(to_regprocedure($1), 'pg_proc') as comment`,
    [signature],
  )
  if (!row) throw new GeneratorError(`${schemaFunction}() returned nothing.`)
  return { ...row, schemaFunction }
}
