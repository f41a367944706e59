/** graphile-migrate's settings: .gmrc as the tool itself reads it, plus where to connect. */
import { join } from 'node:path'
// The tool's own reader, so that .gmrc means the same here and on its command line. Not in its index; pinned exactly.
import { getSettings } from 'graphile-migrate/dist/commands/_common.js'
import { Logger, type Settings } from './migration-tool.ts'

/** The role that owns the database and everything in it. */
export const DATABASE_OWNER = 'howdah_migrations' as const

/** Collects the tool's messages instead of printing them. */
export function collectingLogger(lines: string[]): Logger {
  return new Logger(() => (_level, message) => {
    lines.push(message)
  })
}

/** Settings for the library functions of graphile-migrate. */
export async function migrationSettings(
  projectDir: string,
  connectionString: string,
  logger: Logger,
): Promise<Settings> {
  const configured = await getSettings({ configFile: join(projectDir, '.gmrc') })
  return {
    ...configured,
    connectionString,
    databaseOwner: DATABASE_OWNER,
    migrationsFolder: join(projectDir, 'migrations'),
    logger,
  }
}
