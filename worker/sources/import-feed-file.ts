/** Imports a feed from a file, for operators without a network and for the demo data. */
import { basename } from 'node:path'
import type pg from 'pg'
import { createFeedReader, type FeedReader } from '../feeds/feed-reader.ts'
import type { ReadFeed } from '../feeds/read-feed.ts'
import { canonicalUrl } from '../feeds/web-url.ts'
import type { AddedFeed, SourceOptions } from './add-feed.ts'
import { inTransaction } from './in-transaction.ts'
import { readFeedFile } from './read-feed-file.ts'
import { addSource, importFeed, recordFetch } from './store.ts'

/** Besides what is said about the source. */
export type FileOptions = SourceOptions & {
  /** The time of the fetch. (Default: now) */
  now?: Date
  /** May change the bytes before they are read. */
  prepare?: (bytes: Uint8Array) => Uint8Array
  /** Whoever imports many files lends one. (Default: one of its own) */
  reader?: FeedReader
}

/**
 * Reads a feed file and imports it as a source of kind `file`, which no worker fetches. The source is known by the
 * feed's own address where it names one, else by the file's name: the same file again gives the same items.
 * @throws feed_too_large, feed_forbidden_entities, feed_not_recognised, feed_malformed; unknown_topic from SQL
 * @example await importFeedFile(pool, 'feeds/science.xml', { topics: ['science'] })
 */
export async function importFeedFile(
  pool: pg.Pool,
  path: string,
  options: FileOptions = {},
): Promise<AddedFeed> {
  const { now = new Date(), prepare = (bytes: Uint8Array) => bytes, reader, ...source } = options
  const read = await readOnce(prepare(await readFeedFile(path)), now, reader)
  const name = `file:${encodeURIComponent(basename(path))}`
  const known = read.selfUrl === null ? name : canonicalUrl(read.selfUrl)
  return await inTransaction(pool, async (client) => {
    const sourceId = await addSource(client, { ...source, url: name, canonicalUrl: known, kind: 'file' })
    const counts = await importFeed(client, sourceId, read.feed)
    await recordFetch(client, sourceId, { outcome: 'imported' })
    return { sourceId, url: name, read, counts }
  })
}

async function readOnce(bytes: Uint8Array, now: Date, lent: FeedReader | undefined): Promise<ReadFeed> {
  if (lent) return await lent.read(bytes, { now })
  await using reader = createFeedReader()
  return await reader.read(bytes, { now })
}
