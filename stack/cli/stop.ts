/** npm run stack:stop: ends the stack of this data folder, also what a crash may have left behind. */

import { program } from 'commander'
import { stopStack } from '../stop-stack.ts'
import { runCommand } from '../terminal/run-command.ts'

program.name('npm run stack:stop').description('Ends the stack of this data folder.').parse()

runCommand(async (settings) => {
  const { stopped, leftovers } = await stopStack(settings)
  if (stopped) console.log(`Stopped the stack (pid ${stopped}).`)
  for (const leftover of leftovers)
    console.log(`Ended ${leftover.name} (pid ${leftover.pid}), left behind by a crash.`)
  if (!stopped && leftovers.length === 0) console.log(`No stack runs on ${settings.dataDir}.`)
  return 0
})
