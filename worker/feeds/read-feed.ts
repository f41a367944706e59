/** Bytes of anything to a clean feed. Runs to its end on the calling thread: for strangers' bytes use FeedReader. */
import { isWorkerError, WorkerError } from '../worker-error.ts'
import { decodeBytes } from './decode-bytes.ts'
import type { Feed } from './feed-schema.ts'
import { fromAtom } from './from-atom.ts'
import { fromJson } from './from-json.ts'
import { fromRdf, fromRss } from './from-rss.ts'
import { limitItems } from './limit-items.ts'
import { type FeedOrigin, type LeftOut, normaliseFeed } from './normalise-feed.ts'
import { type ParsedDocument, parseDocument } from './parse-document.ts'
import type { RawFeed } from './raw-feed.ts'
import { salvageItems } from './salvage-items.ts'
import { stripDoctype } from './strip-doctype.ts'

/** Largest feed after decompression that is read. */
export const BYTE_LIMIT = 5 * 1024 * 1024

/** What is known about the bytes besides themselves. `now` is the time of the fetch. */
export type ReadOptions = FeedOrigin & { contentType?: string | undefined }

/** A feed and what was noticed while reading it. */
export type ReadFeed = {
  feed: Feed
  format: RawFeed['format']
  /** Where the feed says it lives itself. */
  selfUrl: string | null
  leftOut: LeftOut
  /** True when the document is broken and only its complete items were read. */
  isSalvaged: boolean
}

/**
 * Reads an RSS, RDF, Atom or JSON feed.
 * @throws feed_too_large, feed_forbidden_entities, feed_not_recognised, feed_malformed
 * @example readFeed(await readFile('feed.xml'), { now: new Date() }).feed.items.length
 */
export function readFeed(bytes: Uint8Array, options: ReadOptions): ReadFeed {
  if (bytes.length > BYTE_LIMIT) {
    throw new WorkerError(
      'feed_too_large',
      `The feed has ${bytes.length} bytes; at most ${BYTE_LIMIT} are read.`,
    )
  }
  const { text, overLimit } = limitItems(stripDoctype(decodeBytes(bytes, options.contentType)))
  const { raw, isSalvaged } = parseOrSalvage(text, options.url)
  const { feed, selfUrl, leftOut } = normaliseFeed(raw, options)
  // What was cut before parsing, or (JSON) sliced after it.
  const left = { ...leftOut, overLimit: leftOut.overLimit + overLimit }
  return { format: raw.format, feed, selfUrl, leftOut: left, isSalvaged }
}

function parseOrSalvage(text: string, url: string | undefined): { raw: RawFeed; isSalvaged: boolean } {
  let failure: unknown
  let whole: RawFeed | undefined
  try {
    whole = toRaw(parseDocument(text, url))
    if (whole.items.length > 0) return { raw: whole, isSalvaged: false }
  } catch (error) {
    if (!isWorkerError(error) || error.key !== 'feed_malformed') throw error
    failure = error
  }
  const salvaged = salvageItems(text)
  if (salvaged !== undefined) {
    const raw = toRaw(parseDocument(salvaged))
    if (raw.items.length > 0) return { raw, isSalvaged: true }
  }
  if (whole) return { raw: whole, isSalvaged: false }
  throw failure
}

function toRaw(document: ParsedDocument): RawFeed {
  switch (document.format) {
    case 'rss':
      return fromRss(document.feed)
    case 'rdf':
      return fromRdf(document.feed)
    case 'atom':
      return fromAtom(document.feed)
    case 'json':
      return fromJson(document.feed)
  }
}
