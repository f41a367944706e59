/** Reads what follows a backslash, and writes characters so that JavaScript takes them literally. */
import type { PatternReader } from './pattern-reader.ts'
import { UntranslatablePattern } from './untranslatable-pattern.ts'

const CONTROLS: Record<string, string> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v' }

/** The character that an escape stands for. Class shorthands and back references are refused. */
export function readEscape(reader: PatternReader): string {
  const char = reader.next()
  if (!/[0-9A-Za-z]/.test(char)) return char
  const control = CONTROLS[char]
  if (control !== undefined) return control
  if (char === 'u') {
    const digits = Array.from({ length: 4 }, () => reader.next()).join('')
    if (/^[0-9A-Fa-f]{4}$/.test(digits)) return String.fromCodePoint(Number.parseInt(digits, 16))
  }
  throw new UntranslatablePattern(`\\${char} depends on the locale or differs between the two languages`)
}

/** A literal character outside brackets. */
export function escapeOutside(char: string): string {
  return /[\^$\\.*+?()[\]{}|/]/.test(char) ? `\\${char}` : escapeControl(char)
}

/** A literal character inside brackets. */
export function escapeInside(char: string): string {
  return /[\^\\[\]\-/]/.test(char) ? `\\${char}` : escapeControl(char)
}

/** Control characters and separators in a source file would be invisible; some would end the line. */
function escapeControl(char: string): string {
  const point = char.codePointAt(0) ?? 0
  const isPlain = point >= 0x20 && point < 0x7f
  const isLetter = /\p{L}|\p{N}|\p{P}|\p{S}/u.test(char)
  return isPlain || isLetter ? char : `\\u{${point.toString(16)}}`
}
