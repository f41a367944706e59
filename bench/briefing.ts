/** npm run bench:briefing: how fast briefings are made, against the targets. Needs about a minute and cleans up after itself. */
import { program } from 'commander'
import { z } from 'zod'
import type { Target } from '../stack/provision/target.ts'
import { runReferenceSeeds } from '../stack/seeds/demo.ts'
import { runPerfSeeds } from '../stack/seeds/perf.ts'
import { printError } from '../stack/terminal/print-error.ts'
import { type Figure, printFigures } from './print-figures.ts'
import { spread } from './spread.ts'
import { withThrowawayDatabase } from './throwaway-database.ts'
import { type Run, timeBareInsert, timeDueBriefings } from './time-due-briefings.ts'
import { timeRequests } from './time-requests.ts'

/** On two cores, with 100,000 items and 1,000 sources. */
const P95_TARGET_MS = 50
const RATE_TARGET = 200
const REQUESTS = 400

const ms = (value: number) => `${value.toFixed(1)} ms`
const rate = ({ briefings, seconds }: Run) => briefings / seconds
const perSecond = (run: Run) => `${rate(run).toFixed(0)}/s (${run.briefings} in ${run.seconds.toFixed(1)} s)`

program
  .name('bench:briefing')
  .option('--readers <count>', 'accounts; sources and items follow', '5000')
  .action(async (options: unknown) => {
    const { readers } = z.object({ readers: z.coerce.number().int().min(500).max(50_000) }).parse(options)
    try {
      process.exitCode = await withThrowawayDatabase(async (target, settings) => {
        const from = performance.now()
        await runReferenceSeeds(target, settings)
        await runPerfSeeds(target, settings, readers)
        console.log(
          `Loaded ${readers} readers with their content in ${((performance.now() - from) / 1000).toFixed(0)} s.`,
        )
        return printFigures(await measure(target))
      })
    } catch (error) {
      printError(error)
      process.exitCode = 1
    }
  })

async function measure(target: Target): Promise<Figure[]> {
  const { coldMs, warmMs } = await timeRequests(target, REQUESTS)
  const { count, p50Ms, p95Ms, maxMs } = spread(warmMs)
  const two = await timeDueBriefings(target, 2)
  const one = await timeDueBriefings(target, 1)
  const bare = await timeBareInsert(target)
  return [
    { what: `generate_briefing, median of ${count}`, found: ms(p50Ms) },
    {
      what: 'generate_briefing, 95 of 100 within',
      found: ms(p95Ms),
      target: `< ${P95_TARGET_MS} ms`,
      isOk: p95Ms < P95_TARGET_MS,
    },
    { what: 'generate_briefing, slowest', found: ms(maxMs) },
    { what: 'generate_briefing, first call of a connection', found: ms(coldMs) },
    {
      what: 'generate_due_briefings, one connection',
      found: perSecond(one),
      target: `≥ ${RATE_TARGET}/s`,
      isOk: rate(one) >= RATE_TARGET,
    },
    { what: 'generate_due_briefings, two connections', found: perSecond(two) },
    { what: 'bare insert of the same rows', found: perSecond(bare) },
    {
      what: 'making a briefing costs as much as inserting',
      found: `${(rate(bare) / rate(one)).toFixed(1)} of them`,
    },
  ]
}

await program.parseAsync()
