/** The news of some days: sources with a leaning, items about one or two topics, now and then about another than usual. */
import { seededRandom } from './random.ts'
import type { SimulatedItem } from './readers.ts'

const DAY_MS = 86_400_000

/** An item with the source that published it. */
export type PublishedItem = SimulatedItem & { source: number }

/** `itemsADay` items for each day, spread over its hours, the last day ending at `until`. */
export function makeNews(
  topics: readonly string[],
  wish: { sources: number; days: number; itemsADay: number; until: number },
): PublishedItem[] {
  const random = seededRandom(20_261_120)
  const pick = () => topics[Math.floor(random() * topics.length)] ?? ''
  const leanings = Array.from({ length: wish.sources }, () => [pick(), pick()])
  return Array.from({ length: wish.days * wish.itemsADay }, (_, index) => {
    const source = Math.floor(random() * wish.sources)
    const leaning = leanings[source]?.[random() < 0.6 ? 0 : 1] ?? pick()
    const about = random() < 0.75 ? leaning : pick()
    return {
      guid: `news-${index}`,
      source,
      topics: [...new Set(random() < 0.3 ? [about, pick()] : [about])],
      publishedAt: wish.until - (wish.days * DAY_MS * (index + random())) / (wish.days * wish.itemsADay),
    }
  })
}
