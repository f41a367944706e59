/** OPML: the list of feeds that every feed reader writes and reads. */
import { generateOpml, parseOpml } from 'feedsmith'
import { WorkerError } from '../worker-error.ts'
import { stripDoctype } from './strip-doctype.ts'

/** More than anybody reads; the rest of a list is refused, not cut off. */
const MAX_FEEDS = 5000

/** A feed of a list. `folders` are the names of the folders it lies in, and its own categories. */
export type ListedFeed = { url: string; title: string | undefined; folders: string[] }

type Outline = {
  text?: string | undefined
  title?: string | undefined
  xmlUrl?: string | undefined
  category?: string | undefined
  outlines?: Outline[] | undefined
}

/** Whether a text is an OPML document, by its root element. */
export function isOpml(text: string): boolean {
  return /^\uFEFF?\s*(<\?xml[^>]*\?>\s*)?(<!--[\s\S]*?-->\s*)*<opml[\s>]/i.test(text)
}

/**
 * The feeds of a list, each address once, folders joined where it stands in several.
 * @throws feed_forbidden_entities; feed_malformed; feed_too_large
 */
export function readOpml(text: string): ListedFeed[] {
  const feeds = new Map<string, ListedFeed>()
  const walk = (outlines: readonly Outline[], folders: string[]) => {
    for (const { text: name, title, xmlUrl, category, outlines: inner = [] } of outlines) {
      const url = xmlUrl?.trim()
      if (url) {
        const known = feeds.get(url)
        const all = [...(known?.folders ?? []), ...folders, ...(category?.split(/[,/]/) ?? [])]
        const named = [...new Set(all.map((folder) => folder.trim()).filter(Boolean))]
        feeds.set(url, { url, title: known?.title ?? title ?? name, folders: named })
      }
      walk(inner, url || !name ? folders : [...folders, name])
    }
  }
  try {
    walk((parseOpml(stripDoctype(text)).body?.outlines ?? []) as Outline[], [])
  } catch (cause) {
    if (cause instanceof WorkerError) throw cause
    throw new WorkerError('feed_malformed', 'The list of feeds (OPML) cannot be read.', { cause })
  }
  if (feeds.size > MAX_FEEDS) {
    throw new WorkerError('feed_too_large', `The list names ${feeds.size} feeds, more than ${MAX_FEEDS}.`)
  }
  return [...feeds.values()]
}

/** The library refuses to write a list of nothing. */
const EMPTY_LIST =
  '<?xml version="1.0" encoding="utf-8"?>\n<opml version="2.0">\n  <head>\n    <title>Sources</title>\n  </head>\n  <body/>\n</opml>\n'

/** A list of feeds, by title. Topics are written as categories, from which readOpml gets them back. */
export function writeOpml(
  feeds: readonly { url: string; title: string; topics: readonly string[] }[],
): string {
  if (feeds.length === 0) return EMPTY_LIST
  return generateOpml({
    head: { title: 'Sources' },
    body: {
      outlines: feeds.map(({ url, title, topics }) => ({
        text: title,
        type: 'rss',
        xmlUrl: url,
        ...(topics.length > 0 && { category: topics.join(',') }),
      })),
    },
  })
}
