/** npm run backup:settings: the lines by which a server of one's own hands its log to the archive. */
import { program } from 'commander'
import { archiveParameters } from '../backup/archive-command.ts'
import { withSource } from '../backup/source.ts'
import { runCommand } from '../terminal/run-command.ts'

program
  .name('npm run backup:settings')
  .description('Prints the lines by which a server hands its log to the archive.')
  .parse()

runCommand((settings) =>
  withSource(settings, undefined, async ({ repository }) => {
    console.log(`# Into postgresql.conf of the server, which writes to ${repository.wal}; then restart it.`)
    for (const [name, value] of Object.entries(archiveParameters(repository.wal))) {
      console.log(`${name} = '${value.replaceAll("'", "''")}'`)
    }
    return 0
  }),
)
