/** db:rollback: undoes the newest committed migration with its counterpart in migrations/rollback. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DATABASE_OWNER } from '../provision/migration-settings.ts'
import { replacePlaceholders } from '../provision/placeholders.ts'
import { sqlFailure } from '../provision/sql-failure.ts'
import { adminUrlFor, type Target, urlFor } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import { StackError } from '../stack-error.ts'
import { appliedMigrations } from './committed.ts'

/** The newest migration the database has, for instance 000002.sql; undefined when it has none. */
export function newestApplied(target: Target): Promise<string | undefined> {
  return withClient(
    urlFor(target, DATABASE_OWNER),
    async (owner) => (await appliedMigrations(owner)).at(-1)?.filename,
  )
}

/**
 * Runs migrations/rollback/<filename> and takes the migration off the list, in one transaction.
 * The open migration counts as not applied afterwards, because it may stand on what is gone.
 * @throws refused when there is no such file; migration_failed when it fails, and nothing changed then
 */
export async function rollback(target: Target, projectDir: string, filename: string): Promise<void> {
  const file = join('migrations', 'rollback', filename)
  const sql = replacePlaceholders(await readRollback(join(projectDir, file), file), target.database)
  // A superuser who has become the owner: the owner alone may not drop the audit log (migrations/after_reset.sql).
  await withClient(adminUrlFor(target, target.database), async (owner) => {
    await owner.query('begin')
    await owner.query('set local search_path = pg_catalog')
    await owner.query(`set local role ${DATABASE_OWNER}`)
    await owner.query(sql).catch((cause: unknown) => {
      throw sqlFailure(`Undoing ${filename}`, file, sql, cause)
    })
    await owner.query('delete from graphile_migrate.migrations where filename = $1', [filename])
    await owner.query('delete from graphile_migrate.current')
    await owner.query('commit')
    await owner.query(`notify pgrst, 'reload schema'`)
  })
}

async function readRollback(path: string, file: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new StackError(
      'refused',
      `The newest migration cannot be undone: there is no ${file}.`,
      'Write the SQL that undoes it into that file, or go on with a new migration that repairs it.',
      { cause },
    )
  }
}
