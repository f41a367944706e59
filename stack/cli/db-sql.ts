/** npm run db:sql -- "select …": runs SQL as the operator. Without an argument it reads standard input. */
import { text } from 'node:stream/consumers'
import { program } from 'commander'
import { runSql } from '../db/sql.ts'
import { withTarget } from '../db/with-target.ts'
import { StackError } from '../stack-error.ts'
import { runCommand } from '../terminal/run-command.ts'
import { printOutcome } from '../terminal/sql-outcome.ts'

program
  .name('npm run db:sql --')
  .description('Runs SQL as howdah_migrations and prints the result. Several statements are one transaction.')
  .argument('[sql]', 'one or more statements; left out: standard input is read')
  .showHelpAfterError('Put the SQL into quotes: npm run db:sql -- "select now()"')
  .parse()

runCommand(async (settings) => {
  const sql = program.args[0] ?? (process.stdin.isTTY ? '' : await text(process.stdin))
  if (sql.trim() === '') {
    throw new StackError(
      'refused',
      'There is no SQL to run.',
      'Type for instance: npm run db:sql -- "select now()"',
    )
  }
  const outcome = await withTarget(settings, (target) => runSql(target, sql))
  printOutcome(outcome)
  return outcome.error ? 1 : 0
})
