/**
 * Translates a Postgres pattern (an advanced regular expression, as `~` reads it) to a JavaScript one with the flag u,
 * where both mean the same for every text. Everything else is refused with the reason.
 * Source: PostgreSQL documentation 9.7.3 (Advanced Regular Expressions, no embedded options).
 */
import { PatternReader } from './pattern-reader.ts'
import { readBracket } from './read-bracket.ts'
import { escapeOutside, readEscape } from './read-escape.ts'
import { readSpaceClass } from './space-class.ts'
import { UntranslatablePattern } from './untranslatable-pattern.ts'

/** The source of the JavaScript expression, or why there is none. */
export type TranslatedPattern = { source: string } | { reason: string }

/** Translates one pattern. An empty one matches every text in both languages. */
export function translatePattern(pattern: string): TranslatedPattern {
  if (pattern.startsWith('***')) return { reason: 'the pattern begins with a director (***)' }
  const reader = new PatternReader(pattern)
  try {
    const source = readAlternatives(reader, 0)
    return { source: source === '' ? '(?:)' : source }
  } catch (error) {
    if (error instanceof UntranslatablePattern) return { reason: error.message }
    throw error
  }
}

function readAlternatives(reader: PatternReader, depth: number): string {
  const branches: string[] = []
  for (;;) {
    branches.push(readBranch(reader, depth))
    if (reader.peek() !== '|') break
    reader.next()
  }
  if (branches.length > 1 && branches.includes('')) {
    throw new UntranslatablePattern('the pattern has an empty branch')
  }
  return branches.join('|')
}

function readBranch(reader: PatternReader, depth: number): string {
  let source = ''
  for (;;) {
    const char = reader.peek()
    if (char === undefined || char === '|') return source
    if (char === ')' && depth > 0) return source
    source += readPiece(reader, depth)
  }
}

function readPiece(reader: PatternReader, depth: number): string {
  const char = reader.next()
  // Both mean the ends of the whole text: Postgres is not newline-sensitive unless told, JavaScript not without m.
  if (char === '^' || char === '$') return char
  return readAtom(reader, char, depth) + readQuantifier(reader)
}

function readAtom(reader: PatternReader, char: string, depth: number): string {
  if (char === '.') return '[^]'
  if (char === '[') return readBracket(reader)
  if (char === '\\') return readSpaceClass(reader) ?? escapeOutside(readEscape(reader))
  if (char === '(') return readGroup(reader, depth)
  if ('*+?'.includes(char)) throw new UntranslatablePattern(`"${char}" repeats nothing`)
  return escapeOutside(char)
}

function readGroup(reader: PatternReader, depth: number): string {
  if (reader.peek() === '?') {
    reader.next()
    if (reader.next() !== ':') throw new UntranslatablePattern('the pattern looks around or has options')
  }
  const inner = readAlternatives(reader, depth + 1)
  if (reader.peek() !== ')') throw new UntranslatablePattern('a group is not closed')
  reader.next()
  if (inner === '') throw new UntranslatablePattern('the pattern has an empty group')
  return `(?:${inner})`
}

function readQuantifier(reader: PatternReader): string {
  const char = reader.peek()
  let quantifier = ''
  if (char !== undefined && '*+?'.includes(char)) quantifier = reader.next()
  // A brace that no digit follows stands for itself.
  else if (char === '{' && /[0-9]/.test(reader.peek(1) ?? '')) quantifier = readBound(reader)
  if (quantifier === '') return ''
  // Greedy or not, the same texts match.
  if (reader.peek() === '?') reader.next()
  return quantifier
}

function readBound(reader: PatternReader): string {
  let bound = ''
  while (!bound.endsWith('}')) bound += reader.next()
  if (!/^\{[0-9]+(,[0-9]*)?\}$/.test(bound))
    throw new UntranslatablePattern(`the bound ${bound} is not plain`)
  return bound
}
