/** npm run db:reset: drops the database and makes it anew. */
import { program } from 'commander'
import { resetDatabase } from '../db/reset.ts'
import { withTarget } from '../db/with-target.ts'
import { confirm } from '../terminal/confirm.ts'
import { runCommand } from '../terminal/run-command.ts'

program.name('npm run db:reset --').option('--yes', 'do not ask before deleting').parse()

runCommand(async (settings) => {
  const isSure = program.opts<{ yes?: boolean }>().yes ?? false
  return withTarget(
    settings,
    async (target) => {
      // The embedded database is a development database: a script may reset it. Any other server is asked for.
      const mayGoOn = isSure || (!settings.databaseUrl && !process.stdin.isTTY)
      const host = new URL(target.adminUrl).host
      await confirm(`Delete the database "${target.database}" on ${host} with everything in it?`, mayGoOn)
      await resetDatabase(target, settings)
      console.log(`Made "${target.database}" anew, with reference data. Demo data: npm run seeds:run`)
      return 0
    },
    { mayCreate: true },
  )
})
