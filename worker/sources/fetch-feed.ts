/** From an address to a clean feed: the guarded fetch, then the bounded reading. */
import type { WorkerServices } from '../define-task.ts'
import type { ReadFeed } from '../feeds/read-feed.ts'
import { guardedFetch } from '../outgoing/guarded-fetch.ts'

const ACCEPT =
  'application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1'

/** Where to fetch and what was remembered from the last time. */
export type FetchTarget = { url: string; etag?: string | null; last_modified?: string | null }

/** What came. */
export type FetchedFeed =
  | { status: 'not_modified'; movedTo: string | null }
  | { status: 'ok'; read: ReadFeed; movedTo: string | null; etag: string | null; lastModified: string | null }

/**
 * Fetches and reads a feed.
 * @throws every feed_… key; the signal's reason when the caller aborts
 */
export async function fetchFeed(
  target: FetchTarget,
  services: Pick<WorkerServices, 'reader' | 'allow'>,
  signal?: AbortSignal,
): Promise<FetchedFeed> {
  const fetched = await guardedFetch(target.url, {
    allow: services.allow,
    accept: ACCEPT,
    etag: target.etag ?? null,
    lastModified: target.last_modified ?? null,
    ...(signal && { signal }),
  })
  if (fetched.status === 'not_modified') return { status: 'not_modified', movedTo: fetched.movedTo }
  const { bytes, contentType, url, movedTo, etag, lastModified } = fetched
  const read = await services.reader.read(bytes, { contentType, url, now: new Date() })
  return { status: 'ok', read, movedTo, etag, lastModified }
}
