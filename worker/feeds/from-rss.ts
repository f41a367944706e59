/** RSS 0.9x, 2.0 and RSS 1.0 (RDF): the same family, RDF with less of its own and more from Dublin Core. */
import type { AtomFeed, RdfFeed, RssFeed } from 'feedsmith'
import { hrefs } from './from-atom.ts'
import { fromMedia } from './from-media.ts'
import type { RawFeed, RawItem } from './raw-feed.ts'

/** Reads an RSS 0.9x or 2.0 feed. */
export function fromRss(feed: RssFeed.Feed<string>): RawFeed {
  return {
    format: 'rss',
    titles: [feed.title, feed.itunes?.title, feed.dc?.titles?.[0], feed.description],
    links: [feed.link, ...hrefs(feed.atom?.links, 'alternate'), feed.image?.link],
    selfLinks: [...hrefs(feed.atom?.links, 'self'), feed.itunes?.newFeedUrl],
    languages: [feed.language, feed.dc?.languages?.[0], feed.xml?.lang],
    base: feed.xml?.base,
    items: (feed.items ?? []).map(fromRssItem),
  }
}

/** Reads an RSS 0.90 or 1.0 feed. */
export function fromRdf(feed: RdfFeed.Feed<string>): RawFeed {
  return {
    format: 'rdf',
    titles: [feed.title, feed.dc?.titles?.[0], feed.description],
    links: [feed.link, ...hrefs(feed.atom?.links, 'alternate')],
    selfLinks: hrefs(feed.atom?.links, 'self'),
    languages: [feed.dc?.languages?.[0], feed.xml?.lang],
    base: feed.xml?.base,
    items: (feed.items ?? []).map(fromRdfItem),
  }
}

function fromRssItem(item: RssFeed.Item<string>): RawItem {
  const media = fromMedia(item.media)
  const enclosures = item.enclosures ?? []
  return {
    guid: item.guid?.value ?? item.dc?.identifiers?.[0] ?? item.atom?.id,
    isGuidLink: item.guid?.isPermaLink !== false,
    links: [item.link, ...atomLinks(item.atom)],
    titles: [item.title, item.dc?.titles?.[0], item.itunes?.title, item.atom?.title?.value, ...media.titles],
    summaries: [
      item.description,
      item.dc?.descriptions?.[0],
      item.itunes?.summary,
      item.atom?.summary?.value,
      item.content?.encoded,
      item.atom?.content?.value,
      ...media.texts,
      item.itunes?.subtitle,
    ],
    authors: [
      ...(item.dc?.creators ?? []),
      ...(item.authors ?? []).map((author) => author.name ?? author.email),
      item.itunes?.author,
      ...(item.atom?.authors ?? []).map((author) => author.name),
    ],
    dates: [
      item.pubDate,
      ...(item.dc?.dates ?? []),
      item.atom?.published,
      ...dublinCoreDates(item.dcterms),
      item.atom?.updated,
    ],
    languages: [item.dc?.languages?.[0], item.xml?.lang],
    images: [...media.images, item.itunes?.image],
    media: [...enclosures.map(({ url, type }) => ({ url, type })), ...media.media],
    categories: [
      ...(item.categories ?? []).map((category) => category.name),
      ...(item.dc?.subjects ?? []),
      ...(item.itunes?.keywords ?? []),
      ...(item.media?.keywords ?? []),
    ],
    base: item.xml?.base,
  }
}

function fromRdfItem(item: RdfFeed.Item<string>): RawItem {
  const media = fromMedia(item.media)
  return {
    guid: item.rdf?.about ?? item.dc?.identifiers?.[0],
    isGuidLink: true,
    links: [item.link, ...atomLinks(item.atom)],
    titles: [item.title, item.dc?.titles?.[0], ...media.titles],
    summaries: [item.description, item.dc?.descriptions?.[0], item.content?.encoded, ...media.texts],
    authors: item.dc?.creators ?? [],
    dates: [
      ...(item.dc?.dates ?? []),
      ...dublinCoreDates(item.dcterms),
      item.atom?.published,
      item.atom?.updated,
    ],
    languages: [item.dc?.languages?.[0], item.xml?.lang],
    images: media.images,
    media: media.media,
    categories: item.dc?.subjects ?? [],
    base: item.xml?.base,
  }
}

function atomLinks(entry: { links?: AtomFeed.Link<string>[] } | undefined): (string | undefined)[] {
  return hrefs(entry?.links, 'alternate')
}

function dublinCoreDates(terms: RssFeed.Item<string>['dcterms']): (string | undefined)[] {
  return [
    terms?.issued?.[0],
    terms?.created?.[0],
    terms?.dates?.[0],
    terms?.available?.[0],
    terms?.modified?.[0],
  ]
}
