/** npm run backup:keep: what is due of making, proving and deleting backups. For a timer, each hour. */
import { program } from 'commander'
import { z } from 'zod'
import { keepBackups } from '../backup/keep-backups.ts'
import { postgresPrograms } from '../backup/programs.ts'
import { exitOnSignals } from '../backup/remove-at-exit.ts'
import { backupFolder } from '../backup/repository.ts'
import { withSource } from '../backup/source.ts'
import { runCommand } from '../terminal/run-command.ts'

program
  .name('npm run backup:keep --')
  .description('Makes a backup when the newest is a day old, proves one a week, deletes what is too old.')
  .option('--data-folder <folder>', 'data folder of the server HOWDAH_DATABASE_URL names, on this machine')
  .parse()
const options = z.object({ dataFolder: z.string().optional() }).parse(program.opts())

exitOnSignals()
runCommand((settings) =>
  withSource(settings, options.dataFolder, async (source) => {
    const programs = () => postgresPrograms(console.error, settings.postgresBin)
    const report = await keepBackups(source, backupFolder(settings), programs)
    const { made, verified } = report
    if (made) console.log(`Made ${made.id}.`)
    if (verified && !verified.problem)
      console.log(`Proved ${verified.id} by a restore in ${verified.verification?.seconds} s.`)
    if (report.removedCount + report.removedSegmentCount > 0) {
      console.log(
        `Deleted ${report.removedCount} backups and ${report.removedSegmentCount} files of the log.`,
      )
    }
    if (verified?.problem) console.error(`${verified.id} cannot be counted on: ${verified.problem}`)
    return verified?.problem ? 1 : 0
  }),
)
