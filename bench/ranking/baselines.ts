/** What a briefing would be without knowing anybody: the newest, or any. */
import type { PublishedItem } from './news.ts'
import { fixedChance } from './random.ts'

const FRESH_MS = 3 * 86_400_000

/** Picks a reader's items of a day among those published within three days that this baseline has not shown yet. */
export type Baseline = (choice: {
  items: readonly PublishedItem[]
  reader: string
  now: number
  count: number
  shown: Set<string>
}) => PublishedItem[]

function pickedBy(order: (reader: string) => (a: PublishedItem, b: PublishedItem) => number): Baseline {
  return ({ items, reader, now, count, shown }) => {
    const picked = items
      .filter(
        ({ guid, publishedAt }) => publishedAt <= now && publishedAt > now - FRESH_MS && !shown.has(guid),
      )
      .sort(order(reader))
      .slice(0, count)
    for (const { guid } of picked) shown.add(guid)
    return picked
  }
}

export const newestFirst = pickedBy(() => (a, b) => b.publishedAt - a.publishedAt)
export const atRandom = pickedBy(
  (reader) => (a, b) => fixedChance(reader, a.guid, 'random') - fixedChance(reader, b.guid, 'random'),
)
