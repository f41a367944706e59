/** npm run db:schema: prints what the tables are now into migrations/schema.sql. */
import { program } from 'commander'
import { writeSchema } from '../db/schema.ts'
import { withTarget } from '../db/with-target.ts'
import { runCommand } from '../terminal/run-command.ts'

program.name('npm run db:schema').description('Writes migrations/schema.sql.').parse()

runCommand(async (settings) => {
  const write = withTarget(settings, (target) => writeSchema(target, settings.projectDir), {
    mayCreate: true,
  })
  console.log(`Wrote ${await write}.`)
  return 0
})
