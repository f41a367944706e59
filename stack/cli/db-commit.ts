/** npm run db:commit -- "message": makes current.sql the next committed migration and prints schema.sql anew. */
import { program } from 'commander'
import { commitMigration } from '../db/commit.ts'
import { writeSchema } from '../db/schema.ts'
import { withTarget } from '../db/with-target.ts'
import { runCommand } from '../terminal/run-command.ts'

program
  .name('npm run db:commit --')
  .argument('<message>', 'what the migration does, for instance "add saved cards"')
  .parse()

runCommand((settings) =>
  withTarget(
    settings,
    async (target) => {
      const made = await commitMigration(target, settings.projectDir, program.args[0] ?? '')
      console.log(`Committed migrations/committed/${made}.`)
      console.log(`Wrote ${await writeSchema(target, settings.projectDir)}.`)
      console.log(`Write what undoes it into migrations/rollback/${made.slice(0, 6)}.sql.`)
      return 0
    },
    { mayCreate: true },
  ),
)
