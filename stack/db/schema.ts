/** db:schema: writes migrations/schema.sql from a database made for the purpose. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { adminUrlFor, type Target } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import { catalogTables } from './catalog-tables.ts'
import { schemaText } from './schema-text.ts'
import { withScratchDatabase } from './with-scratch-database.ts'

/** The text of schema.sql for what the migrations make on the target's server. */
export async function freshSchema(target: Target, projectDir: string): Promise<string> {
  return withScratchDatabase(target, projectDir, (scratch) =>
    withClient(adminUrlFor(scratch, scratch.database), async (client) =>
      schemaText(await catalogTables(client)),
    ),
  )
}

/** Writes the file and returns its path in the project. */
export async function writeSchema(target: Target, projectDir: string): Promise<string> {
  const path = join('migrations', 'schema.sql')
  await writeFile(join(projectDir, path), await freshSchema(target, projectDir))
  return path
}
