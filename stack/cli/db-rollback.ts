/** npm run db:rollback: undoes the newest committed migration. */
import { program } from 'commander'
import { newestApplied, rollback } from '../db/rollback.ts'
import { withTarget } from '../db/with-target.ts'
import { StackError } from '../stack-error.ts'
import { confirm } from '../terminal/confirm.ts'
import { runCommand } from '../terminal/run-command.ts'

program.name('npm run db:rollback --').option('--yes', 'do not ask').parse()

runCommand((settings) =>
  withTarget(settings, async (target) => {
    const newest = await newestApplied(target)
    if (!newest) {
      throw new StackError(
        'refused',
        'This database has no committed migration to undo.',
        'The open migration (current.sql) has no way back; npm run db:reset makes the database anew.',
      )
    }
    const isSure = program.opts<{ yes?: boolean }>().yes ?? false
    await confirm(`Undo migration ${newest}? Data in what it made is lost.`, isSure)
    await rollback(target, settings.projectDir, newest)
    console.log(`Undid ${newest}. npm run db:migrate applies it again.`)
    return 0
  }),
)
