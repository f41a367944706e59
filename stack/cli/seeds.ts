/** npm run seeds:<command>: loads, removes and checks data. seeds/README.md says which files each command runs. */
import { program } from 'commander'
import { z } from 'zod'
import { withTarget } from '../db/with-target.ts'
import type { Target } from '../provision/target.ts'
import { checkSeeds } from '../seeds/check.ts'
import { runDemoSeeds, runReferenceSeeds } from '../seeds/demo.ts'
import { clearSeeds, runPerfSeeds } from '../seeds/perf.ts'
import type { Settings } from '../settings.ts'
import { StackError } from '../stack-error.ts'
import { colors } from '../terminal/colors.ts'
import { runCommand } from '../terminal/run-command.ts'
import { renderTable } from '../terminal/table.ts'

type Work = (target: Target, settings: Settings) => Promise<number>

const command = (name: string, description: string) => program.command(name).description(description)
const onDatabase = (work: Work) =>
  runCommand((settings) => withTarget(settings, (target) => work(target, settings)))

command('setup', 'load what every installation needs').action(() =>
  onDatabase(async (target, settings) => {
    await runReferenceSeeds(target, settings)
    console.log('Loaded the reference data.')
    return 0
  }),
)

command('run', 'load demo accounts and content').action(() =>
  onDatabase(async (target, settings) => {
    const report = await runDemoSeeds(target, settings)
    console.log(`Loaded ${report.files} files and ${report.feeds} feeds with ${report.items} items.`)
    return 0
  }),
)

command('clear', 'remove demo and performance data').action(() =>
  onDatabase(async (target, settings) => {
    await clearSeeds(target, settings)
    console.log('Removed demo and performance data.')
    return 0
  }),
)

command('check', 'is everything there, and does it hold together?').action(() =>
  onDatabase(async (target, settings) => {
    const found = await checkSeeds(target, settings)
    const rows = found.map((row) => [
      row.is_ok ? colors.green('✓') : colors.red('✗'),
      row.what,
      row.expected ?? 'null',
      row.found ?? 'null',
    ])
    console.log(renderTable(['', 'what', 'expected', 'found'], rows))
    return found.every((row) => row.is_ok) ? 0 : 1
  }),
)

command('perf', 'make much data')
  .argument('<count>', 'how much, for instance 5000')
  .action((given: string) =>
    onDatabase(async (target, settings) => {
      const count = z.coerce.number().int().min(1).max(10_000_000).safeParse(given)
      if (!count.success) {
        throw new StackError(
          'refused',
          `"${given}" is not a number between 1 and 10000000.`,
          'For instance: npm run seeds:perf -- 5000',
        )
      }
      const from = performance.now()
      await runPerfSeeds(target, settings, count.data)
      console.log(`Made data for ${count.data} in ${((performance.now() - from) / 1000).toFixed(1)} s.`)
      return 0
    }),
  )

program.name('seeds').parse()
