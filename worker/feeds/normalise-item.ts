/** One raw item to one clean item. */
import { type FeedItem, SUMMARY_LIMIT, TITLE_LIMIT, URL_LIMIT } from './feed-schema.ts'
import { itemGuid } from './item-guid.ts'
import { declaredLanguage } from './language.ts'
import { parseDate } from './parse-date.ts'
import { firstImage, plainText } from './plain-text.ts'
import type { RawItem, RawMedia } from './raw-feed.ts'
import { shorten } from './shorten.ts'
import { canonicalUrl, webUrl } from './web-url.ts'

/** An item without a title is called by the beginning of its summary, this long at most. */
const STAND_IN_TITLE_LIMIT = 120

const AUTHOR_LIMIT = 200
const CATEGORY_LIMIT = 80
const MAX_CATEGORIES = 20

/** Where and when an item was found. `bases` go from the feed outwards. */
export type ItemContext = { bases: (string | undefined)[]; now: Date }

/** The clean item, or undefined when nothing in it could be shown to anybody. */
export function normaliseItem(raw: RawItem, context: ItemContext): FeedItem | undefined {
  const ownTitle = firstText(raw.titles)
  const summary = firstText(raw.summaries)
  const title = ownTitle ?? (summary === undefined ? undefined : shorten(summary, STAND_IN_TITLE_LIMIT))
  if (title === undefined) return undefined

  const bases = [raw.base, ...context.bases]
  const guid = tidyGuid(raw.guid)
  const guidLink = raw.isGuidLink && /^https?:/i.test(guid ?? '') ? guid : undefined
  const url = firstUrl([...raw.links, guidLink], bases) ?? null
  const canonical = url === null ? null : canonicalUrl(url)
  const published = firstDate(raw.dates, context.now)
  return {
    guid: guid ?? itemGuid(canonical, title, published),
    url,
    canonical_url: canonical,
    title: shorten(title, TITLE_LIMIT),
    summary: summary === undefined ? null : shorten(summary, SUMMARY_LIMIT),
    author: author(raw.authors),
    language: raw.languages.map(declaredLanguage).find((language) => language !== null) ?? null,
    image_url: image(raw, [...bases, url ?? undefined]) ?? null,
    kind: kind(raw.media),
    published_at: published,
    categories: categories(raw.categories),
  }
}

function firstText(candidates: (string | undefined)[]): string | undefined {
  for (const candidate of candidates) {
    const text = candidate && plainText(candidate)
    if (text) return text
  }
  return undefined
}

function firstUrl(candidates: (string | undefined)[], bases: (string | undefined)[]): string | undefined {
  for (const candidate of candidates) {
    const url = webUrl(candidate, bases)
    if (url) return url
  }
  return undefined
}

function firstDate(candidates: (string | undefined)[], now: Date): string | null {
  for (const candidate of candidates) {
    const date = candidate && parseDate(candidate, now)
    if (date) return date
  }
  return null
}

/** A guid is compared, never shown; one that could do harm if somebody showed it is known by its hash. */
function tidyGuid(guid: string | undefined): string | undefined {
  const text = guid
    ?.toWellFormed()
    .replace(/\p{Cc}/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  if (!text) return undefined
  const isSound =
    text.length <= URL_LIMIT && !text.includes('<') && !/^(javascript|vbscript|data):/i.test(text)
  return isSound ? text : itemGuid(null, text, null)
}

/** Names only: an e-mail address in a feed is not ours to keep. */
function author(candidates: (string | undefined)[]): string | null {
  for (const candidate of candidates) {
    const text = candidate && plainText(candidate)
    if (!text) continue
    const named =
      /^\S+@\S+\s*\((.+)\)$/.exec(text)?.[1] ?? text.replace(/\s*[<(]?\S+@\S+\.\S+[>)]?\s*/g, ' ').trim()
    if (named) return shorten(named, AUTHOR_LIMIT)
  }
  return null
}

function image(raw: RawItem, bases: (string | undefined)[]): string | undefined {
  const pictures = raw.media.filter((medium) => medium.medium === 'image' || isType(medium, 'image'))
  const known = firstUrl([...raw.images, ...pictures.map((medium) => medium.url)], bases)
  if (known) return known
  for (const html of raw.summaries) {
    const found = html?.includes('<') ? webUrl(firstImage(html), bases) : undefined
    if (found) return found
  }
  return undefined
}

function kind(media: RawMedia[]): FeedItem['kind'] {
  if (media.some((medium) => medium.medium === 'audio' || isType(medium, 'audio'))) return 'podcast'
  if (media.some((medium) => medium.medium === 'video' || isType(medium, 'video'))) return 'video'
  return 'article'
}

function isType(medium: RawMedia, type: string): boolean {
  return medium.type?.trim().toLowerCase().startsWith(`${type}/`) ?? false
}

function categories(candidates: (string | undefined)[]): string[] {
  const found = new Map<string, string>()
  for (const candidate of candidates) {
    const text = candidate && shorten(plainText(candidate), CATEGORY_LIMIT)
    if (text && !found.has(text.toLowerCase())) found.set(text.toLowerCase(), text)
    if (found.size === MAX_CATEGORIES) break
  }
  return [...found.values()]
}
