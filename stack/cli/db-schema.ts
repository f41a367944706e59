/** npm run db:schema: prints what the tables are now into migrations/schema.sql. */
import { writeSchema } from '../db/schema.ts'
import { withTarget } from '../db/with-target.ts'
import { runCommand } from '../terminal/run-command.ts'

runCommand(async (settings) => {
  const write = withTarget(settings, (target) => writeSchema(target, settings.projectDir), {
    mayCreate: true,
  })
  console.log(`Wrote ${await write}.`)
  return 0
})
