/** What a format's reader hands over: the publisher's own strings, in order of preference, nothing cleaned yet. */

/** An enclosure, attachment or media element. */
export type RawMedia = { url?: string | undefined; type?: string | undefined; medium?: string | undefined }

/** One item as its publisher wrote it. The first usable entry of each list wins. */
export type RawItem = {
  guid?: string | undefined
  /** False when the guid is known not to be an address. */
  isGuidLink: boolean
  links: (string | undefined)[]
  titles: (string | undefined)[]
  /** Teasers first, full content last; all may be HTML. */
  summaries: (string | undefined)[]
  authors: (string | undefined)[]
  dates: (string | undefined)[]
  languages: (string | undefined)[]
  images: (string | undefined)[]
  media: RawMedia[]
  categories: (string | undefined)[]
  /** xml:base of the item. */
  base?: string | undefined
}

/** One feed as its publisher wrote it. */
export type RawFeed = {
  format: 'rss' | 'rdf' | 'atom' | 'json'
  titles: (string | undefined)[]
  links: (string | undefined)[]
  /** Where the feed says it lives itself. */
  selfLinks: (string | undefined)[]
  languages: (string | undefined)[]
  base?: string | undefined
  items: RawItem[]
}
