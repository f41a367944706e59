/**
 * db:commit: turns the open migration into a committed one. The tool's own commit leaves current.sql damaged when it
 * fails (included text inlined, message gone), so a copy is kept and put back.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectionUrl } from '../connection-url.ts'
import { isCurrentBlank } from '../provision/migrate.ts'
import { collectingLogger, DATABASE_OWNER, migrationSettings } from '../provision/migration-settings.ts'
import { commit } from '../provision/migration-tool.ts'
import { MAINTENANCE_DATABASE, provision } from '../provision/provision.ts'
import { releaseToolPools } from '../provision/release-tool-pools.ts'
import { adminUrlFor, type Target, urlFor } from '../provision/target.ts'
import { StackError } from '../stack-error.ts'
import { dropDatabase } from './reset.ts'

/**
 * Commits current.sql: tries it on an empty shadow database first, then notes it on the target.
 * @returns the new file's name
 * @throws refused (nothing to commit), migration_failed; current.sql is as before then
 */
export async function commitMigration(target: Target, projectDir: string, message: string): Promise<string> {
  await demandCommittable(projectDir)
  // The shadow needs the roles, and the tool notes the new migration on a database that has the earlier ones.
  await provision(target, projectDir)
  const currentPath = join(projectDir, 'migrations', 'current.sql')
  const before = await readFile(currentPath, 'utf8')
  const known = new Set(await readdir(join(projectDir, 'migrations', 'committed')))
  const shadow: Target = { ...target, database: `${target.database}_shadow` }
  const lines: string[] = []
  const settings = await migrationSettings(
    projectDir,
    urlFor(target, DATABASE_OWNER),
    collectingLogger(lines),
  )
  // Read by stack/cli/prepare-shadow.ts, which the tool starts as a command of its own.
  process.env['HOWDAH_SHADOW_WORKER_URL'] = urlFor(shadow, 'howdah_worker')
  try {
    await commit(
      {
        ...settings,
        afterReset: [...asList(settings.afterReset), { _: 'command', command: prepareShadow(projectDir) }],
        shadowConnectionString: urlFor(shadow, DATABASE_OWNER),
        rootConnectionString: connectionUrl(adminUrlFor(target, MAINTENANCE_DATABASE), {}),
      },
      message,
    )
  } catch (cause) {
    await writeFile(currentPath, before)
    const said = lines.find((line) => line.includes('\u{1f6d1}'))
    throw new StackError(
      'migration_failed',
      `Committing failed; current.sql is as it was.\n${said ?? (cause instanceof Error ? cause.message : cause)}`,
      'A committed migration must run on an empty database and again on this one. Correct the SQL and commit again.',
      { cause },
    )
  } finally {
    delete process.env['HOWDAH_SHADOW_WORKER_URL']
    await releaseToolPools(shadow)
    await releaseToolPools(target)
    await dropDatabase(shadow)
  }
  const made = (await readdir(join(projectDir, 'migrations', 'committed'))).find((name) => !known.has(name))
  if (!made)
    throw new Error('graphile-migrate said it committed, but migrations/committed holds no new file.')
  return made
}

async function demandCommittable(projectDir: string): Promise<void> {
  if (await isCurrentBlank(projectDir)) {
    throw new StackError(
      'refused',
      'There is nothing to commit: current.sql is blank.',
      'Write the migration into current.sql first.',
    )
  }
}

function prepareShadow(projectDir: string): string {
  return `"${process.execPath}" "${join(projectDir, 'stack', 'cli', 'prepare-shadow.ts')}"`
}

function asList<T>(value: T | T[] | undefined): T[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value]
}
