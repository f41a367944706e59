/** Cutting text so that nobody sees half a word or half a character. */

/** A cut may look this far back for a space; scripts without spaces are cut at the limit. */
const LOOK_BACK = 60

/**
 * At most `limit` code points of the text, ended at a word with an ellipsis where something was left out.
 * @example shorten('one two three', 9) // 'one two…'
 */
export function shorten(text: string, limit: number): string {
  // A code point takes one or two units, so most texts are short without counting.
  if (text.length <= limit) return text
  const points = Array.from(text.slice(0, (limit + 1) * 2))
  if (points.length <= limit) return text
  const head = points.slice(0, limit - 1).join('')
  const isWordEnd = /\s/.test(points[limit - 1] as string)
  const space = head.lastIndexOf(' ')
  const cut = isWordEnd || space < head.length - LOOK_BACK || space <= 0 ? head : head.slice(0, space)
  return `${cut.replace(/[\s,;:.–—-]+$/, '')}…`
}
