/** What tells an item from its neighbours when the publisher does not, or does it wrongly. */
import { createHash } from 'node:crypto'
import type { FeedItem } from './feed-schema.ts'

/** The canonical URL, else a hash over title and date: the same item gets the same guid at every fetch. */
export function itemGuid(canonicalUrl: string | null, title: string, publishedAt: string | null): string {
  if (canonicalUrl !== null) return canonicalUrl
  return `sha256:${createHash('sha256')
    .update(JSON.stringify([title, publishedAt]))
    .digest('hex')}`
}

/**
 * Makes guids unique within a feed. Some publishers give every item the same guid: where one guid stands for several
 * addresses, the addresses replace it; where guid and address are the same, the first item stays.
 */
export function withUniqueGuids(items: FeedItem[]): { items: FeedItem[]; duplicates: number } {
  const addresses = new Map<string, Set<string>>()
  for (const item of items) {
    const known = addresses.get(item.guid) ?? new Set()
    addresses.set(item.guid, known.add(item.canonical_url ?? itemGuid(null, item.title, item.published_at)))
  }
  const unique = new Map<string, FeedItem>()
  for (const item of items) {
    const isShared = (addresses.get(item.guid)?.size ?? 0) > 1
    const guid = isShared ? itemGuid(item.canonical_url, item.title, item.published_at) : item.guid
    if (!unique.has(guid)) unique.set(guid, { ...item, guid })
  }
  return { items: [...unique.values()], duplicates: items.length - unique.size }
}
