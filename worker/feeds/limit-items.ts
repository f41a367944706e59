/** Cuts a document after its first thousand items, before a parser builds a tree of the rest. */
import { ITEM_LIMIT } from './feed-schema.ts'

const OPENING = /<(?:[\w-]+:)?(?:item|entry)(?=[\s>])/gi
const CLOSING = /<\/(?:[\w-]+:)?(?:item|entry)\s*>/gi

/** The document with at most ITEM_LIMIT items, and how many were cut away. JSON passes as it is. */
export function limitItems(text: string): { text: string; overLimit: number } {
  let count = 0
  let cut = -1
  for (const match of text.matchAll(OPENING)) {
    count++
    if (count === ITEM_LIMIT + 1) cut = match.index
  }
  if (cut === -1) return { text, overLimit: 0 }
  let end = text.length
  CLOSING.lastIndex = cut
  for (let match = CLOSING.exec(text); match; match = CLOSING.exec(text)) end = CLOSING.lastIndex
  return { text: text.slice(0, cut) + text.slice(end), overLimit: count - ITEM_LIMIT }
}
