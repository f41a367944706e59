/** Adds a feed by its address. It is fetched first: what cannot be read is not stored. */
import type { WorkerServices } from '../define-task.ts'
import type { ReadFeed } from '../feeds/read-feed.ts'
import { canonicalUrl } from '../feeds/web-url.ts'
import { fetchFeed } from './fetch-feed.ts'
import { inTransaction } from './in-transaction.ts'
import { addSource, type ImportCounts, importFeed, recordFetch } from './store.ts'

/** What an operator says about a new source; the feed fills in the rest. */
export type SourceOptions = { title?: string; topics?: string[]; language?: string }

/** The source and what came with it. */
export type AddedFeed = { sourceId: string; url: string; read: ReadFeed; counts: ImportCounts }

/**
 * Fetches the feed, adds the source (or finds it) and imports the items, all or nothing.
 * @throws every feed_… key; unknown_topic from SQL
 */
export async function addFeed(
  services: WorkerServices,
  address: string,
  options: SourceOptions,
): Promise<AddedFeed> {
  const fetched = await fetchFeed({ url: address }, services)
  if (fetched.status === 'not_modified')
    throw new Error(`${address} answered 304 to a request without validators.`)
  const url = fetched.movedTo ?? new URL(address.trim()).href
  const { read, etag, lastModified } = fetched
  return await inTransaction(services.pool, async (client) => {
    const sourceId = await addSource(client, {
      ...options,
      url,
      canonicalUrl: canonicalUrl(url),
      kind: 'feed',
    })
    const counts = await importFeed(client, sourceId, read.feed)
    await recordFetch(client, sourceId, { outcome: 'imported', etag, lastModified })
    return { sourceId, url, read, counts }
  })
}
