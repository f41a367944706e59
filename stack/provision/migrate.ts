/** Brings a database's schema up to date: the committed migrations, then the open one while it is not blank. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StackError } from '../stack-error.ts'
import { collectingLogger, migrationSettings } from './migration-settings.ts'
import { migrate } from './migration-tool.ts'
import { applyOpenMigration } from './open-migration.ts'

/** What a run did. */
export type MigrationReport = {
  /** How many committed migrations were applied now. */
  appliedCount: number
  /** True when current.sql holds SQL. */
  hasOpenMigration: boolean
  /** True when it had changed and was applied now. */
  isOpenMigrationNew: boolean
}

/**
 * Migrates as the owner. The open migration (current.sql) is applied too: it is where development happens, and it can
 * be run twice. On a released checkout it is blank.
 * @throws migration_failed with the tool's explanation
 */
export async function migrateDatabase(projectDir: string, ownerUrl: string): Promise<MigrationReport> {
  const lines: string[] = []
  const settings = await migrationSettings(projectDir, ownerUrl, collectingLogger(lines))
  const hasOpenMigration = !(await isCurrentBlank(projectDir))
  try {
    await migrate(settings)
  } catch (cause) {
    const said = lines.filter((line) => line.includes('\u{1f6d1}')).join('\n')
    throw new StackError(
      'migration_failed',
      `Migrating failed.\n${said || (cause instanceof Error ? cause.message : String(cause))}`,
      'Correct the SQL it points at and run the command again; the failed migration was rolled back.',
      { cause },
    )
  }
  const isOpenMigrationNew = hasOpenMigration && (await applyOpenMigration(projectDir, ownerUrl))
  const appliedCount = lines.filter((line) => line.includes('Running migration')).length
  return { appliedCount, hasOpenMigration, isOpenMigrationNew }
}

/** True when current.sql holds nothing but comments and white space (or does not exist). */
export async function isCurrentBlank(projectDir: string): Promise<boolean> {
  let text: string
  try {
    text = await readFile(join(projectDir, 'migrations', 'current.sql'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw error
  }
  // An include line is a comment to SQL but work to the tool.
  const isIncluding = /^--![ \t]*include\b/m.test(text)
  return (
    !isIncluding &&
    text
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .replace(/--.*$/gm, '')
      .trim() === ''
  )
}
