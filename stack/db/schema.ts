/** db:schema: writes migrations/schema.sql from a database made for the purpose, so no leftovers get in. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { provision } from '../provision/provision.ts'
import { adminUrlFor, type Target } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import { catalogTables } from './catalog-tables.ts'
import { dropDatabase } from './reset.ts'
import { schemaText } from './schema-text.ts'

/** The text of schema.sql for what the migrations make on the target's server. */
export async function freshSchema(target: Target, projectDir: string): Promise<string> {
  const scratch: Target = {
    ...target,
    database: `${target.database}_schema_${randomBytes(4).toString('hex')}`,
  }
  try {
    await provision(scratch, projectDir)
    return await withClient(adminUrlFor(scratch, scratch.database), async (client) =>
      schemaText(await catalogTables(client)),
    )
  } finally {
    await dropDatabase(scratch)
  }
}

/** Writes the file and returns its path. */
export async function writeSchema(target: Target, projectDir: string): Promise<string> {
  const path = join(projectDir, 'migrations', 'schema.sql')
  await writeFile(path, await freshSchema(target, projectDir))
  return path
}
