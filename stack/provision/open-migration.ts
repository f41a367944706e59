/**
 * Applies the open migration (current.sql with everything it includes) in one transaction, unless it is unchanged since
 * it was last applied here. The tool's `watch` does the same, but cannot say which included file an error is in.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { collectingLogger, migrationSettings } from './migration-settings.ts'
import { compile } from './migration-tool.ts'
import { sqlFailure } from './sql-failure.ts'
import { withClient } from './with-client.ts'

/** The open migration changes under a database that already has an older state of it. */
const BEGIN_ANEW =
  'Correct the SQL.\nWhere this database has an older state of current.sql that cannot be changed into the new one: ' +
  'npm run db:reset'

/**
 * Applies it as the owner and notes its text where the tool notes it (graphile_migrate.current).
 * @returns false when nothing had changed
 * @throws migration_failed, naming the included file and line
 */
export async function applyOpenMigration(projectDir: string, ownerUrl: string): Promise<boolean> {
  const path = join(projectDir, 'migrations', 'current.sql')
  const settings = await migrationSettings(projectDir, ownerUrl, collectingLogger([]))
  const sql = await compile(settings, await readFile(path, 'utf8'), { filename: path })
  return withClient(ownerUrl, async (client) => {
    for (const [name, value] of Object.entries(settings.pgSettings ?? {})) {
      await client.query('select set_config($1, $2, false)', [name, String(value)])
    }
    await client.query('begin')
    await client.query('lock graphile_migrate.current in exclusive mode')
    const { rows } = await client.query<{ content: string }>(
      `select content from graphile_migrate.current where filename = 'current.sql'`,
    )
    if (rows[0]?.content === sql) {
      await client.query('rollback')
      return false
    }
    await client.query(sql).catch((cause: unknown) => {
      throw sqlFailure('Applying the open migration', 'current.sql', sql, cause, BEGIN_ANEW)
    })
    await client.query(
      `insert into graphile_migrate.current (content) values ($1)
       on conflict (filename) do update set content = excluded.content, date = excluded.date`,
      [sql],
    )
    await client.query('commit')
    return true
  })
}
