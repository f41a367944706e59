/** Readers whose tastes are known to the simulation and to nobody else. */
import { fixedChance, seededRandom, shuffled } from './random.ts'

/** How likely an item about a topic is to be wanted. Most of what is published interests nobody in particular. */
const TASTES = { loved: 0.85, liked: 0.6, indifferent: 0.12, disliked: 0.02 } as const
type Taste = keyof typeof TASTES

/** A reader: the tastes, and the topics they chose on the first day, which are only some of those they care for. */
export type Reader = { name: string; tastes: ReadonlyMap<string, Taste>; chosen: readonly string[] }

/** What a simulated item is about, and where it stands. */
export type SimulatedItem = { guid: string; topics: readonly string[]; publishedAt: number }

/** Two loved and three liked topics each, four disliked; one loved and one liked were chosen. */
export function makeReaders(count: number, topics: readonly string[]): Reader[] {
  return Array.from({ length: count }, (_, index) => {
    const order = shuffled(topics, seededRandom(index + 1))
    const taste = (place: number): Taste =>
      place < 2 ? 'loved' : place < 5 ? 'liked' : place < order.length - 4 ? 'indifferent' : 'disliked'
    return {
      name: `reader-${index}`,
      tastes: new Map(order.map((topic, place) => [topic, taste(place)])),
      chosen: [order[0], order[2]].filter((topic) => topic !== undefined),
    }
  })
}

/** Whether the reader would want to have this item in a briefing; the same whenever it is asked. */
export function wants({ name, tastes }: Reader, { guid, topics }: SimulatedItem): boolean {
  const likings = topics.map((topic) => TASTES[tastes.get(topic) ?? 'indifferent'])
  const chance = likings.includes(TASTES.disliked)
    ? Math.max(...likings) / 4
    : Math.max(TASTES.disliked, ...likings)
  return fixedChance(name, guid) < chance
}

/** What the reader does with a card, if anything: most cards get no reaction, and some the wrong one. */
export function reaction(
  reader: Reader,
  item: SimulatedItem,
): { kind: string; dwellSeconds?: number } | undefined {
  const chance = fixedChance(reader.name, item.guid, 'reaction')
  if (wants(reader, item)) {
    if (chance < 0.2) return { kind: 'like' }
    if (chance < 0.28) return { kind: 'save' }
    if (chance < 0.6) return { kind: 'dwell', dwellSeconds: Math.round(40 + 200 * chance) }
    return chance < 0.7 ? { kind: 'click' } : undefined
  }
  if (chance < 0.15) return { kind: 'dismiss' }
  if (chance < 0.2) return { kind: 'dislike' }
  if (chance < 0.3) return { kind: 'dwell', dwellSeconds: 3 }
  return chance < 0.35 ? { kind: 'click' } : undefined
}
