/** npm run bench:ranking: whether briefings get to know their readers. About a minute; the same result every time. */
import { program } from 'commander'
import { z } from 'zod'
import { type Target, urlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'
import { runReferenceSeeds } from '../stack/seeds/demo.ts'
import { printError } from '../stack/terminal/print-error.ts'
import { type Figure, printFigures } from './print-figures.ts'
import { atRandom, type Baseline, newestFirst } from './ranking/baselines.ts'
import { makeNews } from './ranking/news.ts'
import { makeReaders, wants } from './ranking/readers.ts'
import { liveThroughDay, openAccounts, publish } from './ranking/replay.ts'
import { withThrowawayDatabase } from './throwaway-database.ts'

const DAYS = 14
const CARDS = 12
const DAY_MS = 86_400_000

program
  .name('bench:ranking')
  .option('--readers <count>', 'simulated readers', '60')
  .option('--items <count>', 'items published a day', '200')
  .action(async (options: unknown) => {
    const { readers, items } = z
      .object({
        readers: z.coerce.number().int().min(10).max(500),
        items: z.coerce.number().int().min(50).max(2000),
      })
      .parse(options)
    try {
      process.exitCode = await withThrowawayDatabase(async (target, settings) => {
        await runReferenceSeeds(target, settings)
        return printFigures(await measure(target, readers, items))
      })
    } catch (error) {
      printError(error)
      process.exitCode = 1
    }
  })

/** Precision at 12: the share of a briefing's cards that its reader wanted, of all readers, day by day. */
async function measure(target: Target, readerCount: number, itemsADay: number): Promise<Figure[]> {
  const owner = <T>(work: Parameters<typeof withClient<T>>[1]) =>
    withClient(urlFor(target, 'howdah_migrations'), work)
  const topics = await owner(async (client) => {
    const { rows } = await client.query<{ slug: string }>('select slug from briefing.topics order by slug')
    return rows.map(({ slug }) => slug)
  })
  const readers = makeReaders(readerCount, topics)
  const from = Date.now()
  const items = makeNews(topics, {
    sources: 60,
    days: DAYS + 3,
    itemsADay,
    until: from + (DAYS - 1) * DAY_MS,
  })
  const byGuid = new Map(items.map((item) => [item.guid, item]))
  const ids = await owner((client) => openAccounts(client, readers))

  const baselines: [string, Baseline][] = [
    ['newest first', newestFirst],
    ['at random', atRandom],
  ]
  const precisions = new Map<string, number[]>()
  const seen = new Map<string, Set<string>>()
  let published = 0
  for (let day = 0; day < DAYS; day++) {
    const now = from + day * DAY_MS
    const fresh = items.filter(({ publishedAt }) => publishedAt <= now && publishedAt > published)
    published = now
    await owner((client) => publish(client, fresh))
    const briefings = await liveThroughDay(target, day, { readers, ids, items: byGuid })
    const note = (name: string, wanted: number, shown: number) =>
      precisions.set(name, [...(precisions.get(name) ?? []), wanted / shown])
    const count = (pick: (reader: (typeof readers)[number]) => typeof items) => {
      const picked = readers.map((reader) => ({ reader, picked: pick(reader) }))
      return [
        picked.reduce(
          (sum, { reader, picked }) => sum + picked.filter((item) => wants(reader, item)).length,
          0,
        ),
        picked.reduce((sum, { picked }) => sum + picked.length, 0),
      ] as const
    }
    const [wanted, shown] = count(({ name }) => briefings.get(name) ?? [])
    if (shown < readers.length * CARDS * 0.9) throw new Error(`Day ${day} showed only ${shown} cards.`)
    note('Howdah', wanted, shown)
    for (const [name, baseline] of baselines) {
      const [some, of] = count((reader) => {
        const key = `${name} ${reader.name}`
        const shownBefore = seen.get(key) ?? new Set()
        seen.set(key, shownBefore)
        return baseline({ items, reader: reader.name, now, count: CARDS, shown: shownBefore })
      })
      note(name, some, of)
    }
  }
  return figuresFrom(precisions)
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const percent = (share: number) => `${(share * 100).toFixed(1)} %`

function figuresFrom(precisions: ReadonlyMap<string, number[]>): Figure[] {
  const best = Math.max(...['newest first', 'at random'].map((name) => mean(precisions.get(name) ?? [])))
  const days = precisions.get('Howdah') ?? []
  const first = days[0] ?? Number.NaN
  const last = mean(days.slice(-3))
  console.log(`day by day: ${days.map((value) => (value * 100).toFixed(0)).join(' ')}`)
  return [
    ...[...precisions].map(([name, values]) => ({
      what: `wanted cards, ${name}`,
      found: percent(mean(values)),
    })),
    { what: 'first day, from two chosen topics alone', found: percent(first) },
    { what: 'last three of fourteen days', found: percent(last) },
    {
      what: 'against the better baseline',
      found: `${(mean(days) / best).toFixed(2)} times`,
      target: '≥ 2 times',
      isOk: mean(days) / best >= 2,
    },
    { what: 'two weeks of reading, against the first day', found: `${(last / first).toFixed(2)} times` },
  ]
}

await program.parseAsync()
