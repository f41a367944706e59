/** The one shape that leaves this folder: what `briefing.import_feed` takes. */
import { z } from 'zod'

/** Longest title and summary in code points; a card shows no more. */
export const TITLE_LIMIT = 300
export const SUMMARY_LIMIT = 1000

/** No publisher's feed needs more at once; what comes after the first thousand is older. */
export const ITEM_LIMIT = 1000

/** What the database stores; browsers and servers cut addresses near 2,000 characters too. */
export const URL_LIMIT = 2000

const httpUrl = z
  .string()
  .max(URL_LIMIT)
  .regex(/^https?:\/\//)
const language = z.string().regex(/^[a-z]{2,3}$/)

/** An item after cleaning: plain text, http(s) URLs, one spelling of each date. */
export const feedItem = z.strictObject({
  /** What tells this item from the feed's others: the publisher's id, else the canonical URL, else a hash. */
  guid: z.string().min(1).max(URL_LIMIT),
  url: httpUrl.nullable(),
  /** The URL without tracking parameters, for finding the same article twice. */
  canonical_url: httpUrl.nullable(),
  /** Never empty: an item without a title gets the beginning of its summary. */
  title: z.string().min(1),
  summary: z.string().min(1).nullable(),
  author: z.string().min(1).nullable(),
  /** Primary subtag such as `en`, or null when neither declared nor recognisable. */
  language: language.nullable(),
  image_url: httpUrl.nullable(),
  kind: z.enum(['article', 'podcast', 'video']),
  /** ISO 8601 in UTC with milliseconds, or null when the feed gives none that makes sense. */
  published_at: z.iso.datetime({ precision: 3 }).nullable(),
  categories: z.array(z.string().min(1)),
})

/** A whole feed after cleaning. */
export const feed = z.strictObject({
  title: z.string().min(1).nullable(),
  site_url: httpUrl.nullable(),
  language: language.nullable(),
  items: z.array(feedItem).max(ITEM_LIMIT),
})

export type FeedItem = z.infer<typeof feedItem>
export type Feed = z.infer<typeof feed>
