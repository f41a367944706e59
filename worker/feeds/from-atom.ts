/** Atom 0.3 and 1.0. */
import type { AtomFeed } from 'feedsmith'
import { fromMedia } from './from-media.ts'
import type { RawFeed, RawItem } from './raw-feed.ts'

/** Reads an Atom feed. */
export function fromAtom(feed: AtomFeed.Feed<string>): RawFeed {
  return {
    format: 'atom',
    titles: [feed.title?.value, feed.subtitle?.value],
    links: hrefs(feed.links, 'alternate'),
    selfLinks: hrefs(feed.links, 'self'),
    languages: [feed.xml?.lang, feed.dc?.languages?.[0]],
    base: feed.xml?.base,
    items: (feed.entries ?? []).map((entry) => fromEntry(entry, feed)),
  }
}

/** Addresses of the links with this relation, pages before other media; a link without `rel` is an alternate. */
export function hrefs(links: AtomFeed.Link<string>[] | undefined, rel: string): string[] {
  const matching = (links ?? []).filter((link) => (link.rel?.toLowerCase() ?? 'alternate') === rel)
  const pages = matching.filter((link) => !link.type || /html/i.test(link.type))
  const ordered = [...pages, ...matching.filter((link) => !pages.includes(link))]
  return ordered.map((link) => link.href).filter((href) => href !== undefined)
}

function fromEntry(entry: AtomFeed.Entry<string>, feed: AtomFeed.Feed<string>): RawItem {
  const media = fromMedia(entry.media)
  const enclosures = (entry.links ?? []).filter((link) => link.rel === 'enclosure')
  const isText = entry.content?.type === undefined || /^(text|html|xhtml|.*xml)/i.test(entry.content.type)
  return {
    guid: entry.id,
    isGuidLink: true,
    links: [...hrefs(entry.links, 'alternate'), entry.content?.src, ...hrefs(entry.links, 'related')],
    titles: [entry.title?.value, entry.dc?.titles?.[0], ...media.titles],
    summaries: [entry.summary?.value, isText ? entry.content?.value : undefined, ...media.texts],
    authors: [
      ...(entry.authors ?? []).map((author) => author.name),
      ...(entry.dc?.creators ?? []),
      ...(entry.source?.authors ?? []).map((author) => author.name),
      ...(feed.authors ?? []).map((author) => author.name),
    ],
    dates: [
      entry.published,
      entry.dc?.dates?.[0],
      entry.dcterms?.issued?.[0],
      entry.dcterms?.created?.[0],
      entry.updated,
    ],
    languages: [entry.xml?.lang, entry.content?.xml?.lang, entry.title?.xml?.lang, entry.dc?.languages?.[0]],
    images: [...media.images, entry.itunes?.image],
    media: [
      ...enclosures.map(({ href, type }) => ({ url: href, type })),
      ...media.media,
      ...(entry.yt?.videoId ? [{ medium: 'video' }] : []),
    ],
    categories: [
      ...(entry.categories ?? []).map((category) => category.label ?? category.term),
      ...(entry.dc?.subjects ?? []),
    ],
    base: entry.xml?.base,
  }
}
