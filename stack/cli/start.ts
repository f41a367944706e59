/** npm start: the whole stack on this machine, until Ctrl-C. */
import { program } from 'commander'
import { freshStart } from '../fresh-start.ts'
import { endSignal } from '../process/end-signal.ts'
import { launcherGone } from '../process/launcher-gone.ts'
import { hasDemoAccount } from '../seeds/demo.ts'
import { startStack } from '../stack.ts'
import { colors } from '../terminal/colors.ts'
import { printError } from '../terminal/print-error.ts'
import { runCommand } from '../terminal/run-command.ts'
import { startSummary } from '../terminal/start-summary.ts'
import { seconds, showSteps } from '../terminal/step-list.ts'

/** So that five seconds after a kill -9 of npm nothing is left. */
const ORPHAN_PATIENCE_MS = 3_000

program
  .name('npm start --')
  .description('Starts Postgres, migrates it, and starts PostgREST and the worker. Ctrl-C stops them.')
  .option('--fresh', 'begin anew: delete the database and the secrets of the data folder first')
  .option('--yes', 'do not ask before deleting')
  .parse()
const options = program.opts<{ fresh?: boolean; yes?: boolean }>()

// A closed pipe or terminal must not keep the stack from stopping in order.
process.stdout.on('error', () => {})

runCommand(async (settings) => {
  const from = performance.now()
  if (options.fresh) await freshStart(settings, options.yes ?? false)
  // Listening begins before the start, so that Ctrl-C during it stops cleanly too, as soon as it is up. A second
  // Ctrl-C does not wait: the children leave with us (process/guarded-spawn.ts).
  const signal = endSignal(() => process.exit(130))
  const orphaned = launcherGone()
  const stack = await startStack(settings, (line) => console.log(`${colors.yellow('!')} ${line}`), showSteps)
  console.log(`\n${startSummary(stack, settings, await hasDemoAccount(stack.target))}\n`)
  console.log(`ready in ${seconds(performance.now() - from)}. Ctrl-C stops everything.`)
  const end = await Promise.race([signal, stack.broken, orphaned])
  if (typeof end !== 'string') {
    printError(end)
    return 1
  }
  // Nobody is left to wait for a slow goodbye; the children leave with us.
  if (end === 'launcher gone') setTimeout(() => process.exit(1), ORPHAN_PATIENCE_MS).unref()
  console.log(
    `\nStopping the worker${settings.databaseUrl ? ' and PostgREST' : ', PostgREST and Postgres'} ...`,
  )
  await stack.stop()
  console.log('Stopped.')
  return 0
})
