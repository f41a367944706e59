/** The only file that knows the parser. It never expands entities, so a bomb stays a few letters of text. */
import { type AnyFeed, DetectError, MalformedError, ParseError, parseFeed } from 'feedsmith'
import { WorkerError } from '../worker-error.ts'
import { feedLinks } from './feed-links.ts'

/** A feed in its own format's shape, dates as the publisher wrote them. */
export type ParsedDocument = AnyFeed<string>

/**
 * Parses text as RSS, RDF, Atom or JSON Feed. `url` is where it was found, for the hint of a page that names feeds.
 * @throws feed_not_recognised, feed_malformed
 */
export function parseDocument(text: string, url?: string): ParsedDocument {
  try {
    return parseFeed(text)
  } catch (error) {
    if (error instanceof DetectError) throw notRecognised(text, url, error)
    if (error instanceof MalformedError || error instanceof ParseError || error instanceof RangeError) {
      throw new WorkerError('feed_malformed', `The feed is broken: ${reason(error)}.`, { cause: error })
    }
    throw error
  }
}

function notRecognised(text: string, url: string | undefined, cause: Error): WorkerError {
  const start = text.trimStart().slice(0, 60)
  if (!start) return new WorkerError('feed_not_recognised', 'There is nothing in this feed.', { cause })
  const isPage = /<html|<!doctype html/i.test(text.slice(0, 2000))
  const what = isPage ? 'This is a web page, not a feed' : 'This is not a feed'
  const links = isPage ? feedLinks(text, url) : []
  return new WorkerError('feed_not_recognised', `${what}; it begins with ${JSON.stringify(start)}.`, {
    cause,
    ...(links.length > 0 && { hint: `The page names its feeds: ${links.join(', ')}` }),
  })
}

function reason(error: Error): string {
  const inner = error.cause instanceof Error ? error.cause.message : error.message
  return inner.replace(/[.\s]+$/, '').slice(0, 200)
}
