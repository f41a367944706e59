/** npm run db:init: makes the database (roles, extensions, schema, reference data) without starting anything else. */
import { program } from 'commander'
import { initDatabase } from '../db/init.ts'
import { withTarget } from '../db/with-target.ts'
import { runCommand } from '../terminal/run-command.ts'

program
  .name('npm run db:init')
  .description('Makes the database with reference data, and starts nothing.')
  .parse()

runCommand(async (settings) => {
  const report = await withTarget(settings, (target) => initDatabase(target, settings), { mayCreate: true })
  console.log(report.isNew ? 'Made the database.' : 'The database exists; brought it up to date.')
  console.log(`${report.appliedCount} committed migrations applied now.`)
  if (report.isOpenMigrationNew) console.log('Applied the open migration (current.sql).')
  return 0
})
