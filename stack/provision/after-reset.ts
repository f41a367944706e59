/** Runs migrations/after_reset.sql: roles, extensions and default privileges, as superuser in the target database. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replacePlaceholders } from './placeholders.ts'
import { sqlFailure } from './sql-failure.ts'
import { adminUrlFor, type Target } from './target.ts'
import { withClient } from './with-client.ts'

/**
 * Runs the file (it can be run again harmlessly).
 * @throws migration_failed with the line the error is in
 */
export async function runAfterReset(target: Target, projectDir: string): Promise<void> {
  const path = join(projectDir, 'migrations', 'after_reset.sql')
  const sql = replacePlaceholders(await readFile(path, 'utf8'), target.database)
  await withClient(adminUrlFor(target, target.database), async (client) => {
    try {
      await client.query(sql)
    } catch (cause) {
      throw sqlFailure('Making roles and extensions', 'migrations/after_reset.sql', sql, cause)
    }
  })
}
