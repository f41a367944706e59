/** npm run db:health: a table of what was looked at; exit code 1 when something is bad. */
import pc from 'picocolors'
import { databaseHealth } from '../db/health.ts'
import { withTarget } from '../db/with-target.ts'
import { runCommand } from '../terminal/run-command.ts'
import { renderTable } from '../terminal/table.ts'

const MARKS = { ok: pc.green('✓'), warn: pc.yellow('!'), bad: pc.red('✗') }

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
