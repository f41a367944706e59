/** Runs seed files as the operator, all of one command in one transaction. */
import type pg from 'pg'
import { sqlFailure } from '../provision/sql-failure.ts'
import { type Target, urlFor } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import type { SeedFile } from './seed-files.ts'

/**
 * Runs the files in order.
 * @param settings bound as `seeds.<name>`, readable with current_setting()
 * @throws migration_failed naming file and line; nothing is kept then
 */
export async function runSeedFiles(
  target: Target,
  files: readonly SeedFile[],
  settings: Record<string, string> = {},
): Promise<void> {
  if (files.length === 0) return
  await withClient(urlFor(target, 'howdah_migrations'), async (client) => {
    await client.query('begin')
    for (const [name, value] of Object.entries(settings)) {
      await client.query('select set_config($1, $2, true)', [`seeds.${name}`, value])
    }
    for (const file of files) await runOne(client, file)
    await client.query('commit')
  })
}

async function runOne(client: pg.Client, file: SeedFile): Promise<void> {
  await client.query(file.sql).catch((cause: unknown) => {
    throw sqlFailure('Running a seed file', file.path, file.sql, cause)
  })
}
