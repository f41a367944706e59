/** Which language a feed or an item is in: what the publisher declares, else what the words say. */
import { detectAll } from 'tinyld'

/** Shorter texts fit several languages. */
const MIN_LETTERS = 60

/** A sample is enough, and keeps a thousand items within the time limit. */
const SAMPLE_LENGTH = 400

/** The best guess must be this many times as good as the second. The 120 demo items: all right. */
const MIN_LEAD = 1.5

/** What the detector says of product names and filler text, and hardly any feed is in. */
const UNLIKELY = new Set(['la', 'ber', 'vo', 'tlh'])

const NAMES: Record<string, string> = {
  english: 'en',
  german: 'de',
  deutsch: 'de',
  french: 'fr',
  spanish: 'es',
}

/**
 * Primary subtag of a declared language, or null when it is no language.
 * @example declaredLanguage('EN_us') // 'en'
 */
export function declaredLanguage(tag: string | undefined): string | null {
  const text = tag?.trim().toLowerCase().replaceAll('_', '-').slice(0, 35)
  if (!text) return null
  if (NAMES[text]) return NAMES[text]
  try {
    // Canonicalising turns three-letter codes into the usual two (deu into de).
    const primary = new Intl.Locale(text).language
    return /^(und|mul|zxx|mis|root)$/.test(primary) || !/^[a-z]{2,3}$/.test(primary) ? null : primary
  } catch {
    return null
  }
}

/** The language a text is written in, or null when it is too short or undecided. */
export function detectedLanguage(text: string): string | null {
  const sample = text.slice(0, SAMPLE_LENGTH)
  const letters = sample.replace(/[^\p{L}]+/gu, '').length
  // A character of Chinese or Japanese says as much as several letters.
  const weight =
    letters + 3 * (sample.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu)?.length ?? 0)
  if (weight < MIN_LETTERS) return null
  const [best, second] = detectAll(sample)
  if (!best || UNLIKELY.has(best.lang) || best.accuracy < MIN_LEAD * (second?.accuracy ?? 0)) return null
  return declaredLanguage(best.lang)
}
