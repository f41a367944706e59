/** A raw feed to the clean shape, with a count of what was left out. */
import { type Feed, type FeedItem, feed as feedSchema, ITEM_LIMIT, TITLE_LIMIT } from './feed-schema.ts'
import { withUniqueGuids } from './item-guid.ts'
import { declaredLanguage, detectedLanguage } from './language.ts'
import { normaliseItem } from './normalise-item.ts'
import { plainText } from './plain-text.ts'
import type { RawFeed } from './raw-feed.ts'
import { shorten } from './shorten.ts'
import { webUrl } from './web-url.ts'

/** What was left out of a feed and why. */
export type LeftOut = { empty: number; duplicates: number; overLimit: number }

/** Where the feed was read and at what time. */
export type FeedOrigin = { url?: string | undefined; now: Date }

/** Cleans a feed. `selfUrl` is where it says it lives. */
export function normaliseFeed(
  raw: RawFeed,
  origin: FeedOrigin,
): { feed: Feed; selfUrl: string | null; leftOut: LeftOut } {
  const outer = [raw.base, origin.url]
  const selfUrl = raw.selfLinks.map((link) => webUrl(link, outer)).find(Boolean) ?? null
  const siteUrl =
    raw.links.map((link) => webUrl(link, [...outer, selfUrl ?? undefined])).find(Boolean) ?? null
  const context = { bases: [...outer, selfUrl ?? undefined, siteUrl ?? undefined], now: origin.now }

  const taken = raw.items.slice(0, ITEM_LIMIT)
  const cleaned = taken.map((item) => normaliseItem(item, context)).filter((item) => item !== undefined)
  const { items, duplicates } = withUniqueGuids(cleaned)
  const title = raw.titles.map((text) => plainText(text ?? '')).find(Boolean)
  const declared = raw.languages.map(declaredLanguage).find((language) => language !== null) ?? null
  const language = declared ?? detectedLanguage(items.map((item) => item.title).join('. '))

  return {
    // Parsed once more, because this is what enters the database whatever the parser made of the input.
    feed: feedSchema.parse({
      title: title === undefined ? null : shorten(title, TITLE_LIMIT),
      site_url: siteUrl,
      language,
      items: items.map((item) => ({
        ...item,
        language: item.language ?? declared ?? itemLanguage(item) ?? language,
      })),
    }),
    selfUrl,
    leftOut: {
      empty: taken.length - cleaned.length,
      duplicates,
      overLimit: raw.items.length - taken.length,
    },
  }
}

function itemLanguage(item: FeedItem): string | null {
  return detectedLanguage(`${item.title}. ${item.summary ?? ''}`)
}
