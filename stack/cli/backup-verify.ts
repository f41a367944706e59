/** npm run backup:verify: restores a backup on a server of its own, compares everything, throws the copy away. */
import { existsSync } from 'node:fs'
import { program } from 'commander'
import { z } from 'zod'
import { chooseBackup } from '../backup/choose-backup.ts'
import { postgresPrograms } from '../backup/programs.ts'
import { recordBackups } from '../backup/record-backups.ts'
import { exitOnSignals } from '../backup/remove-at-exit.ts'
import { backupFolder, type StoredBackup } from '../backup/repository.ts'
import { withSource } from '../backup/source.ts'
import type { Verification } from '../backup/verification.ts'
import { verifyBaseBackup } from '../backup/verify-base-backup.ts'
import { archivedSegments } from '../backup/wal-archive.ts'
import { runningStack } from '../run-file.ts'
import type { Settings } from '../settings.ts'
import { isStackError } from '../stack-error.ts'
import { colors } from '../terminal/colors.ts'
import { runCommand } from '../terminal/run-command.ts'

program
  .name('npm run backup:verify --')
  .description(
    'Restores a backup, compares rows, checksums, indexes, rights and roles, and throws the copy away.',
  )
  .argument('[backup]', 'its name or folder (default: the newest)')
  .option('--scratch <folder>', 'where there is room for the copy (default: the temporary folder)')
  .parse()
const options = z.object({ scratch: z.string().optional() }).parse(program.opts())

exitOnSignals()
runCommand(async (settings) => {
  const backup = chooseBackup(backupFolder(settings), program.args[0])
  const { wal } = backup.repository
  const found = await verifyBaseBackup({
    from: backup.folder,
    walArchive: existsSync(wal) && archivedSegments(wal).length > 0 ? wal : undefined,
    programs: postgresPrograms(console.error, settings.postgresBin),
    scratch: options.scratch,
    // Named by its path it may be of any cluster; the others lie in the folder of theirs.
    systemIdentifier: backup.repository.systemIdentifier || undefined,
  })
  report(backup, found)
  await note(settings, backup)
  return found.problem === null ? 0 : 1
})

function report({ id }: StoredBackup, found: Verification): void {
  if (found.problem !== null) {
    console.error(`${colors.red('✗')} ${id}: ${found.problem}`)
    console.error(`  ${colors.dim('→')} Do not count on this backup. Make another one: npm run backup:create`)
    return
  }
  console.log(
    `${colors.green('✓')} ${id} restored in ${found.seconds} s: ${found.table_count} tables with ${found.row_count} rows the ` +
      `same, ${found.index_count} indexes sound, policies, grants, roles and extensions the same, ` +
      `${found.segment_count} archived segments whole.`,
  )
}

/** The backup may be of a server that is gone; that must not hide what was found. */
async function note(settings: Settings, backup: StoredBackup): Promise<void> {
  if (!settings.databaseUrl && !runningStack(settings.dataDir)) {
    console.log('The database does not run; it hears of this with the next backup command.')
    return
  }
  try {
    await withSource(settings, undefined, async ({ target, repository }) => {
      // A backup of another cluster is none of this database's.
      if (repository.base === backup.repository.base) await recordBackups(target, repository)
    })
  } catch (error) {
    console.error(
      `${colors.yellow('!')} Not noted in the database: ${isStackError(error) ? error.message : String(error)}`,
    )
  }
}
