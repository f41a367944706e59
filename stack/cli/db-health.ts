/** npm run db:health: a table of what was looked at; exit code 1 when something is bad. */

import { program } from 'commander'
import { databaseHealth } from '../db/health.ts'
import { withTarget } from '../db/with-target.ts'
import { colors } from '../terminal/colors.ts'
import { runCommand } from '../terminal/run-command.ts'
import { renderTable } from '../terminal/table.ts'

const MARKS = { ok: colors.green('✓'), warn: colors.yellow('!'), bad: colors.red('✗') }

program
  .name('npm run db:health')
  .description('Looks at version, migrations, roles, extensions, worker and PostgREST.')
  .parse()

runCommand(async (settings) => {
  const findings = await withTarget(settings, (target) => databaseHealth(target, settings))
  console.log(
    renderTable(
      ['', 'what', 'found'],
      findings.map((finding) => [MARKS[finding.state], finding.what, finding.found]),
    ),
  )
  return findings.some((finding) => finding.state === 'bad') ? 1 : 0
})
