/**
 * Looks at what stands before the root element. Entity declarations are the way of every XML bomb and of every
 * external entity, and no feed needs one, so they are refused; a plain DOCTYPE (RSS 0.91 has one) is cut out.
 */
import { WorkerError } from '../worker-error.ts'

/**
 * Returns the document without its DOCTYPE.
 * @throws feed_forbidden_entities
 */
export function stripDoctype(text: string): string {
  const start = findDoctype(text)
  if (start === -1) return text
  const end = findDoctypeEnd(text, start)
  const doctype = text.slice(start, end)
  const rest = text.slice(0, start) + text.slice(end)
  // A second DOCTYPE is no XML; it could only hide what the first may not say.
  if (/<!ENTITY/i.test(doctype) || findDoctype(rest) !== -1) {
    throw new WorkerError(
      'feed_forbidden_entities',
      `Refused a feed whose DOCTYPE declares entities: ${JSON.stringify(doctype.slice(0, 80))}.`,
    )
  }
  return rest
}

/** Index of the DOCTYPE in the prolog, or -1. Steps over comments and instructions; stops at the root element. */
function findDoctype(text: string): number {
  let index = text.indexOf('<')
  while (index !== -1) {
    let end: number
    if (text.startsWith('<!--', index)) end = text.indexOf('-->', index + 4)
    else if (text.startsWith('<?', index)) end = text.indexOf('?>', index + 2)
    else return /^<!doctype/i.test(text.slice(index, index + 9)) ? index : -1
    if (end === -1) return -1
    index = text.indexOf('<', end)
  }
  return -1
}

/** Index after the `>` that closes the DOCTYPE; quotes and the internal subset may hold others. */
function findDoctypeEnd(text: string, start: number): number {
  let quote = ''
  let isInSubset = false
  for (let index = start; index < text.length; index++) {
    const char = text[index] as string
    if (isInSubset && !quote && text.startsWith('<!--', index)) {
      const close = text.indexOf('-->', index + 4)
      if (close === -1) return text.length
      index = close + 2
    } else if (quote) {
      if (char === quote) quote = ''
    } else if (char === '"' || char === "'") quote = char
    else if (char === '[') isInSubset = true
    else if (char === ']') isInSubset = false
    else if (char === '>' && !isInSubset) return index + 1
  }
  return text.length
}
