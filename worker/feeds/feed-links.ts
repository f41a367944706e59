/** People paste the address of a page; most pages name their feeds. */
import { Parser } from 'htmlparser2'
import { webUrl } from './web-url.ts'

const FEED_TYPE = /^application\/(rss|atom|feed|rdf)\+(xml|json)$/i
const MAX_LINKS = 5

/**
 * Addresses of the feeds that a web page names in its head.
 * @example feedLinks('<link rel="alternate" type="application/rss+xml" href="/feed">', 'https://a.example/')
 */
export function feedLinks(html: string, pageUrl: string | undefined): string[] {
  const found = new Set<string>()
  const parser = new Parser({
    onopentag(name, { rel = '', type = '', href }) {
      if (name !== 'link' || !/\balternate\b/i.test(rel) || !FEED_TYPE.test(type.trim())) return
      const url = webUrl(href, [pageUrl])
      if (url && found.size < MAX_LINKS) found.add(url)
    },
  })
  parser.end(html)
  return [...found]
}
