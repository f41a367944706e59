/** One turn of one source: fetch, read, import, record. Safe to run twice. */
import type { WorkerServices } from '../define-task.ts'
import { type FeedErrorKey, isFeedError, type WorkerError } from '../worker-error.ts'
import { type FetchedFeed, fetchFeed } from './fetch-feed.ts'
import { inTransaction } from './in-transaction.ts'
import { type ImportCounts, importFeed, recordFetch, sourceToFetch } from './store.ts'

/** How the turn ended. `gone`: the source was removed or switched off meanwhile. */
export type FetchOutcome =
  | { outcome: 'imported'; counts: ImportCounts }
  | { outcome: 'not_modified' }
  | { outcome: 'failed'; error: WorkerError & { key: FeedErrorKey } }
  | { outcome: 'gone' }

/** Takes the turn. Throws only what is not the feed's fault (database, abort), so that the job comes again. */
export async function fetchSource(
  sourceId: string,
  services: WorkerServices,
  signal?: AbortSignal,
): Promise<FetchOutcome> {
  const { pool } = services
  const source = await sourceToFetch(pool, sourceId)
  if (!source) return { outcome: 'gone' }
  let fetched: FetchedFeed
  try {
    fetched = await fetchFeed(source, services, signal)
  } catch (error) {
    if (!isFeedError(error)) throw error
    const { key, retryAfterSeconds } = error
    await recordFetch(pool, source.id, { outcome: 'failed', errorKey: key, retryAfterSeconds })
    return { outcome: 'failed', error }
  }
  if (fetched.status === 'not_modified') {
    await recordFetch(pool, source.id, { outcome: 'not_modified', movedTo: fetched.movedTo })
    return { outcome: 'not_modified' }
  }
  const { read, ...arrival } = fetched
  const counts = await inTransaction(pool, async (client) => {
    const imported = await importFeed(client, source.id, read.feed)
    await recordFetch(client, source.id, { outcome: 'imported', ...arrival })
    return imported
  })
  return { outcome: 'imported', counts }
}
