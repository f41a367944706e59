/**
 * Dates in all the forms that feeds really use: RFC 822 and its sloppy cousins, ISO 8601 in part or whole, asctime,
 * names in other languages, Unix seconds. What could mean two days (03/04/2025) means none.
 */
import { monthNumber } from './month-names.ts'
import { zoneOffsetMinutes } from './zone-offset.ts'

/** Sender's clocks run ahead a little; more than this is a mistake. */
const FUTURE_TOLERANCE_MS = 60 * 60 * 1000

/** The web began later; zero instants (1970, year 1) are what software writes for "unknown". */
const EARLIEST = Date.UTC(1970, 0, 3)

const INPUT_LIMIT = 100

type Fields = { year: number; month: number; day: number; time: string }

/**
 * The instant a feed's date means, in ISO 8601 with Z, or null when it means none.
 * Dates in the future are pulled back to `now`.
 * @example parseDate('Tue, 3 Jun 25 10:00 EST', now) // '2025-06-03T15:00:00.000Z'
 */
export function parseDate(text: string, now: Date): string | null {
  const trimmed = text.trim().slice(0, INPUT_LIMIT)
  const instant =
    parseUnix(trimmed) ?? parseFields(isoFields(trimmed) ?? namedFields(trimmed) ?? numericFields(trimmed))
  if (instant === undefined || instant < EARLIEST) return null
  const isTooFarAhead = instant > now.getTime() + FUTURE_TOLERANCE_MS
  return new Date(isTooFarAhead ? now.getTime() : instant).toISOString()
}

/** Seconds or milliseconds since 1970. */
function parseUnix(text: string): number | undefined {
  if (!/^\d{9,13}$/.test(text)) return undefined
  return text.length > 11 ? Number(text) : Number(text) * 1000
}

/** 2025-06-03T10:00:00Z, 2025-06, 20250603T100000, 2025/6/3 10:00 */
function isoFields(text: string): Fields | undefined {
  const match =
    /^(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?![-/.\d])(.*)$/s.exec(text) ??
    /^(\d{4})(\d{2})(\d{2})(?!\d)(.*)$/s.exec(text)
  if (!match) return undefined
  const [, year, month = '1', day = '1', rest = ''] = match
  return {
    year: Number(year),
    month: Number(month),
    day: Number(day),
    time: rest.replace(/^\s*[t,]\s*/i, ' '),
  }
}

/** Any order with a month's name: 3 Jun 2025, June 3rd, 2025, Tue Jun 3 10:00:00 2025, 3. Juni 2025 */
function namedFields(text: string): Fields | undefined {
  for (const match of text.matchAll(/\p{L}[\p{L}\p{M}’']*/gu)) {
    const month = monthNumber(match[0])
    if (month === undefined) continue
    const before = text.slice(0, match.index)
    const after = text.slice(match.index + match[0].length)
    const dayFirst = /(?<!\d)(\d{1,2})(?:st|nd|rd|th|º|ª)?[.,]?[\s-]*(?:de\s+|of\s+)?$/i.exec(before)
    const yearFirst = /(?<!\d)(\d{4})[.,]?[\s-]*$/.exec(before)
    const fields = dayFirst
      ? yearThenTime(Number(dayFirst[1]), after)
      : yearFirst
        ? dayThenTime(Number(yearFirst[1]), after)
        : dayThenYear(after)
    if (fields) return { ...fields, month }
  }
  return undefined
}

function yearThenTime(day: number, after: string): Omit<Fields, 'month'> | undefined {
  const match = /^[.,]?[\s-]*(?:de\s+|del\s+)?(\d{4}|\d{2})(?![\d:])[,\s]*(.*)$/is.exec(after)
  if (match) return { year: fullYear(match[1] as string), day, time: match[2] as string }
  // asctime with the day before the month: 3 Jun 10:00:00 2025
  const late = /^[\s,]+(\d{1,2}:.*?)\s(\d{4})$/s.exec(after)
  return late ? { year: Number(late[2]), day, time: late[1] as string } : undefined
}

function dayThenTime(year: number, after: string): Omit<Fields, 'month'> | undefined {
  const match = /^[.,]?[\s-]*(\d{1,2})(?:st|nd|rd|th)?(?![\d:])[.,]?[,\s]*(.*)$/is.exec(after)
  return match ? { year, day: Number(match[1]), time: match[2] as string } : undefined
}

function dayThenYear(after: string): Omit<Fields, 'month'> | undefined {
  const match = /^[.,]?[\s-]*(\d{1,2})(?:st|nd|rd|th)?(?![\d:])[.,]?[\s-]*(.*)$/is.exec(after)
  if (!match) return undefined
  const rest = match[2] as string
  const early = /^(\d{4})(?![\d:])[,\s]*(.*)$/s.exec(rest)
  if (early) return { year: Number(early[1]), day: Number(match[1]), time: early[2] as string }
  const late = /^(.*?)\s(\d{4})$/s.exec(rest)
  return late ? { year: Number(late[2]), day: Number(match[1]), time: late[1] as string } : undefined
}

/** 03.06.2025 is day first everywhere; with slashes or dashes only a number over 12 tells the day. */
function numericFields(text: string): Fields | undefined {
  const match = /^(?:\p{L}+[.,]*\s+)?(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)[,\s]*(.*)$/su.exec(text)
  if (!match) return undefined
  const [first, second] = [Number(match[1]), Number(match[3])]
  const year = fullYear(match[4] as string)
  const time = match[5] as string
  if (match[2] === '.' || first > 12 || first === second) return { year, month: second, day: first, time }
  return second > 12 ? { year, month: first, day: second, time } : undefined
}

function parseFields(fields: Fields | undefined): number | undefined {
  if (!fields) return undefined
  const { year, month, day, time } = fields
  const clock =
    /^\s*(?:at\s+|um\s+|à\s+|-\s+)?(\d{1,2})(?:[:.h]?(\d{2}))?(?:[:.]?(\d{2})(?:[.,](\d{1,9}))?)?\s*(am|pm|a\.m\.|p\.m\.)?(?:\s*uhr)?(.*)$/is.exec(
      time,
    )
  if (!clock && /\d/.test(time.replace(/[+-]\s*\d+(:\d+)?/, ''))) return undefined
  const [, hourText = '0', minute = '0', second = '0', fraction = '0', half, rest = time] = clock ?? []
  const hour = twelveHour(Number(hourText), half)
  const offset = zoneOffsetMinutes(rest)
  const isReal =
    month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
  if (!isReal || hour > 24 || Number(minute) > 59 || Number(second) > 60 || offset === undefined)
    return undefined
  const milliseconds = Math.floor(Number(`0.${fraction}`) * 1000)
  return Date.UTC(
    year,
    month - 1,
    day,
    hour,
    Number(minute) - offset,
    Math.min(Number(second), 59),
    milliseconds,
  )
}

function twelveHour(hour: number, half: string | undefined): number {
  if (!half) return hour
  return (hour % 12) + (/^p/i.test(half) ? 12 : 0)
}

function fullYear(text: string): number {
  const year = Number(text)
  if (text.length > 2) return year
  return year < 70 ? 2000 + year : 1900 + year
}
