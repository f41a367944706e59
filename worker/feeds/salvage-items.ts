/**
 * Feeds that are cut off in the middle, or whose head has a tag too few, still hold whole items. This takes the items
 * out of the wreck and puts them into a sound frame of the same kind.
 */

const ROOT = /<((?:[\w-]+:)?(?:rss|rdf|feed))\b[^<>]*>/i

/** What of a broken head is worth keeping; each only where it holds plain text. */
const HEAD_ELEMENT = /<(title|link|language|dc:language)\b[^<>/]*>[^<]{1,500}<\/\1\s*>/gi

/** A head is short; what lies further on is not searched. */
const HEAD_LIMIT = 20_000

/**
 * A sound document with the complete items of a broken one, or undefined when there is not one.
 * @example salvageItems('<rss><channel><item><title>A</title></item><item><tit') // one item
 */
export function salvageItems(text: string): string | undefined {
  const root = ROOT.exec(text)
  const [tag, rootName] = root ?? []
  if (!root || !tag || !rootName) return undefined
  const kind = rootName.toLowerCase().endsWith('feed') ? 'entry' : 'item'
  const items = completeElements(text, kind, root.index + tag.length)
  const [first] = items
  if (!first) return undefined
  const head = text.slice(root.index + tag.length, Math.min(text.indexOf(first), root.index + HEAD_LIMIT))
  const kept = [...head.matchAll(HEAD_ELEMENT)].map((match) => match[0]).join('')
  const body = kind === 'item' ? `<channel>${kept}${items.join('')}</channel>` : kept + items.join('')
  return `${tag}${body}</${rootName}>`
}

/** The elements of this name that are opened and closed, innermost where they are nested. */
function completeElements(text: string, name: string, from: number): string[] {
  const found: string[] = []
  const boundary = new RegExp(`<(/?)${name}(?=[\\s>])[^<>]*>`, 'gi')
  boundary.lastIndex = from
  let start = -1
  for (let match = boundary.exec(text); match; match = boundary.exec(text)) {
    if (!match[1]) start = match.index
    else if (start !== -1) {
      found.push(text.slice(start, boundary.lastIndex))
      start = -1
    }
  }
  return found
}
