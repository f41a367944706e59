/**
 * White space. In the locale that Howdah's databases have (C.UTF-8 of the builtin provider), \s is Unicode's property
 * White_Space: compared for every code point. JavaScript's own \s lacks U+0085 and adds U+FEFF.
 */
import type { PatternReader } from './pattern-reader.ts'

/** Reads s or S after a backslash; undefined (and nothing read) for another escape. */
export function readSpaceClass(reader: PatternReader): string | undefined {
  const char = reader.peek()
  if (char !== 's' && char !== 'S') return undefined
  reader.next()
  return char === 's' ? '\\p{White_Space}' : '\\P{White_Space}'
}
