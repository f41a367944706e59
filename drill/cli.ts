/** npm run gdpr:drill: an erasure from beginning to end on a cluster of its own, and whether every promise is kept. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { program } from 'commander'
import { z } from 'zod'
import { printError } from '../stack/terminal/print-error.ts'
import { renderTable } from '../stack/terminal/table.ts'
import { runDrill } from './run-drill.ts'

program
  .name('npm run gdpr:drill --')
  .description('Seeds, backs up, erases, proves, restores and replays on a scratch cluster; about a minute.')
  .option('--json <file>', 'writes the report there as well')
  .option('--keep', 'leaves the folder with everything in it, for looking')
  .parse()
const options = z
  .object({ json: z.string().optional(), keep: z.boolean().default(false) })
  .parse(program.opts())

try {
  const report = await runDrill(console.log, options.keep)
  const mark = (isKept: boolean | undefined) => (isKept === undefined ? 'told' : isKept ? 'kept' : 'BROKEN')
  const rows = report.findings.map(({ what, promised, seen, isKept }) => [what, promised, seen, mark(isKept)])
  console.log(`\n${renderTable(['what', 'promised', 'seen', ''], rows)}`)
  console.log(`\nWhat stays, and why:\n`)
  console.log(
    renderTable(
      ['column', 'rows', 'reason'],
      report.kept.map(({ column, rows, reason }) => [column, String(rows), reason]),
    ),
  )
  if (options.json) writeFileSync(resolve(options.json), `${JSON.stringify(report, null, 2)}\n`)
  console.log(
    `\n${report.broken === 0 ? 'Every promise was kept' : `${report.broken} promises were broken`}, in ${report.seconds} s.`,
  )
  process.exitCode = report.broken === 0 ? 0 : 1
} catch (error) {
  printError(error)
  process.exitCode = 1
}
