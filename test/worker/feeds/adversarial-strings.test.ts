/** Our own patterns against 100,000 characters made to slow them down (F-18). */
import { expect, test } from 'vitest'
import { decodeBytes } from '../../../worker/feeds/decode-bytes.ts'
import { feedLinks } from '../../../worker/feeds/feed-links.ts'
import { declaredLanguage, detectedLanguage } from '../../../worker/feeds/language.ts'
import { limitItems } from '../../../worker/feeds/limit-items.ts'
import { parseDate } from '../../../worker/feeds/parse-date.ts'
import { firstImage, plainText } from '../../../worker/feeds/plain-text.ts'
import { salvageItems } from '../../../worker/feeds/salvage-items.ts'
import { shorten } from '../../../worker/feeds/shorten.ts'
import { stripDoctype } from '../../../worker/feeds/strip-doctype.ts'
import { canonicalUrl, webUrl } from '../../../worker/feeds/web-url.ts'
import { parseFetchAllow } from '../../../worker/outgoing/fetch-allow.ts'
import { retryAfterSeconds } from '../../../worker/outgoing/retry-after.ts'
import { utf8 } from '../support/feed-documents.ts'

const LENGTH = 100_000
const LIMIT_MS = 50

const STRINGS = [
  'a',
  ' ',
  '<',
  '<a',
  '</',
  '&',
  '&amp;',
  '<!--',
  '<?xml ',
  '<!DOCTYPE ',
  '<item>',
  '<item ',
  '<rss ',
  '<title>',
  '"',
  '=',
  '1',
  '1 ',
  '1 Jan ',
  'Jan 1 ',
  '-',
  '/',
  '//',
  'a.',
  '%',
  '?a&',
  'utm_',
  'ä',
  '漢',
  '\u202e',
  '@',
  'a@a.',
  '(',
  '[',
  ':',
  '0.',
].flatMap((piece) => [
  piece.repeat(LENGTH / piece.length),
  `<rss>${piece.repeat(LENGTH / piece.length)}`,
  `x${piece.repeat(LENGTH / piece.length)}\0`,
])

const SUBJECTS: Record<string, (text: string) => unknown> = {
  plainText,
  firstImage,
  salvageItems,
  limitItems,
  feedLinks: (text) => feedLinks(text, 'https://a.example/'),
  stripDoctype: (text) => attempt(() => stripDoctype(text)),
  decodeBytes: (text) => decodeBytes(utf8(text), `text/xml; charset=${text}`),
  declaredLanguage,
  detectedLanguage,
  parseDate: (text) => parseDate(text, new Date()),
  shorten: (text) => shorten(text, 1000),
  webUrl: (text) => webUrl(text, ['https://a.example/']),
  canonicalUrl: (text) => attempt(() => canonicalUrl(`https://a.example/?${text.slice(0, 2000)}`)),
  parseFetchAllow: (text) => attempt(() => parseFetchAllow(text)),
  retryAfterSeconds: (text) => retryAfterSeconds(text, new Date()),
}

test.each(Object.entries(SUBJECTS))('%s is never slow', (_, subject) => {
  for (const text of STRINGS) subject(text.slice(0, 1000))
  const slow = STRINGS.map((text) => ({ text: text.slice(0, 20), ms: fastestOf(3, () => subject(text)) }))
  expect(slow.filter(({ ms }) => ms > LIMIT_MS)).toEqual([])
})

/** Processor time of the fastest of some runs: a busy machine is no slow pattern. */
function fastestOf(runs: number, work: () => unknown): number {
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < runs && best > LIMIT_MS; run++) {
    const before = process.threadCpuUsage()
    work()
    const { user, system } = process.threadCpuUsage(before)
    best = Math.min(best, (user + system) / 1000)
  }
  return best
}

function attempt(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}
