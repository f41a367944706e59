/** The formats of core.matches_json_schema, each exactly as the database checks it. */
import { z } from 'zod'

/** A UUID in its usual spelling, of any version. */
export function guid(): z.core.$ZodCheck<string> {
  return pattern(/^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/, 'must be a UUID')
}

/** A day that exists, written YYYY-MM-DD; the year 0 does not exist. */
export function calendarDate(): z.core.$ZodCheck<string> {
  return z.refine(isCalendarDate, 'must be a day of the calendar, written YYYY-MM-DD')
}

/** An instant with seconds and offset, for instance 2026-03-29T02:30:00+01:00. */
export function instant(): z.core.$ZodCheck<string> {
  return z.refine(
    (value: string) => INSTANT.test(value) && isCalendarDate(value.slice(0, 10)),
    'must be an instant, written YYYY-MM-DDThh:mm:ss with Z or an offset',
  )
}

/** An address that begins with http:// or https:// and holds no white space. */
export function webAddress(): z.core.$ZodCheck<string> {
  return pattern(WEB_ADDRESS, 'must be an http or https address')
}

const INSTANT =
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$/

// What Postgres calls white space is Unicode's property White_Space. JavaScript's \s lacks U+0085 and adds U+FEFF.
const WEB_ADDRESS = /^https?:\/\/[^\p{White_Space}/?#]\P{White_Space}*$/u

function pattern(expression: RegExp, message: string): z.core.$ZodCheck<string> {
  return z.refine((value: string) => expression.test(value), message)
}

function isCalendarDate(value: string): boolean {
  const parts = /^([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$/.exec(value)
  if (!parts) return false
  const [year, month, day] = parts.slice(1).map(Number) as [number, number, number]
  if (year === 0) return false
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] as number
  return day <= days
}
