/** npm run backup:prune: deletes backups, and archived log, that are older than they may be. */
import { program } from 'commander'
import { z } from 'zod'
import { type PruneReport, pruneBackups } from '../backup/prune.ts'
import { recordBackups } from '../backup/record-backups.ts'
import { exitOnSignals } from '../backup/remove-at-exit.ts'
import { backupFolder } from '../backup/repository.ts'
import { withSource } from '../backup/source.ts'
import { StackError } from '../stack-error.ts'
import { colors } from '../terminal/colors.ts'
import { runCommand } from '../terminal/run-command.ts'

program
  .name('npm run backup:prune --')
  .description(
    'Deletes what is older than the setting backup_retention_days. The last proven backup always stays.',
  )
  .option('--keep-days <number>', 'another number of days; then the database need not run')
  .parse()
const options = z.object({ keepDays: z.string().optional() }).parse(program.opts())

exitOnSignals()
runCommand(async (settings) => {
  const folder = backupFolder(settings)
  if (options.keepDays !== undefined) {
    tell(await pruneBackups(folder, daysOf(options.keepDays)))
    return 0
  }
  await withSource(settings, undefined, async ({ target, repository, retentionDays }) => {
    tell(await pruneBackups(folder, retentionDays))
    await recordBackups(target, repository)
  })
  return 0
})

function daysOf(text: string): number {
  const days = z.coerce.number().int().min(1).max(3650).safeParse(text)
  if (days.success) return days.data
  throw new StackError(
    'refused',
    `"${text}" is no number of days from 1 to 3650.`,
    'npm run backup:prune -- --keep-days 30',
  )
}

function tell(report: PruneReport): void {
  for (const { id } of report.removed) console.log(`Deleted ${id}.`)
  console.log(`${report.removed.length} backups and ${report.removedSegmentCount} files of the log deleted.`)
  for (const { id } of report.keptPastRetention) {
    console.log(
      `${colors.yellow('!')} ${id} is older than allowed and stays, because it is the last one that can be counted on.`,
    )
    console.log('  Make a new one and prove it, then it goes: npm run backup:create && npm run backup:verify')
  }
}
