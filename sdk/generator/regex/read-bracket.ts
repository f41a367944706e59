/** Reads a bracket expression: a set of characters and ranges. */
import type { PatternReader } from './pattern-reader.ts'
import { escapeInside, readEscape } from './read-escape.ts'
import { readSpaceClass } from './space-class.ts'
import { UntranslatablePattern } from './untranslatable-pattern.ts'

/** Reads up to the closing bracket; the opening one is read. */
export function readBracket(reader: PatternReader): string {
  let isNegated = false
  if (reader.peek() === '^') {
    reader.next()
    isNegated = true
  }
  let members = ''
  for (let isFirst = true; ; isFirst = false) {
    // A closing bracket that comes first is a member.
    if (reader.peek() === ']' && !isFirst) break
    members += readMember(reader)
  }
  reader.next()
  return `[${isNegated ? '^' : ''}${members}]`
}

function readMember(reader: PatternReader): string {
  if (reader.peek() === '\\' && reader.peek(1) === 's') {
    reader.next()
    return readSpaceClass(reader) ?? ''
  }
  const start = readChar(reader)
  // A hyphen before the closing bracket is a member.
  if (reader.peek() !== '-' || reader.peek(1) === ']') return escapeInside(start)
  if (start === '-') throw new UntranslatablePattern('a range begins with a hyphen')
  reader.next()
  const end = readChar(reader)
  if ((start.codePointAt(0) ?? 0) > (end.codePointAt(0) ?? 0))
    throw new UntranslatablePattern(`the range ${start}-${end} runs backwards`)
  return `${escapeInside(start)}-${escapeInside(end)}`
}

function readChar(reader: PatternReader): string {
  const char = reader.next()
  if (char === '\\') return readEscape(reader)
  if (char === '[' && ['.', ':', '='].includes(reader.peek() ?? '')) {
    throw new UntranslatablePattern('a character class such as [:alpha:] depends on the locale')
  }
  return char
}
