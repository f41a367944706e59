/** npm run db:migrate: applies what is missing: committed migrations, and current.sql where it is not blank. */
import { program } from 'commander'
import { migrateTarget } from '../db/migrate.ts'
import { withTarget } from '../db/with-target.ts'
import { runCommand } from '../terminal/run-command.ts'

program.name('npm run db:migrate').description('Applies the migrations that are missing.').parse()

runCommand(async (settings) => {
  const report = await withTarget(settings, (target) => migrateTarget(target, settings))
  console.log(
    report.appliedCount > 0
      ? `${report.appliedCount} migrations applied.`
      : 'No committed migration was missing.',
  )
  if (report.hasOpenMigration) {
    console.log(`The open migration (current.sql) is ${report.isOpenMigrationNew ? 'applied' : 'unchanged'}.`)
  }
  return 0
})
