/** The server's wish when to come again. */

/** A server that asks for more is asked again after a week all the same. */
const LIMIT_SECONDS = 7 * 24 * 60 * 60

/** Seconds until a Retry-After header (seconds or an HTTP date) is over, or undefined when it says nothing. */
export function retryAfterSeconds(header: string | undefined, now: Date): number | undefined {
  const text = header?.trim()
  if (!text) return undefined
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - now.getTime()) / 1000)
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 0), LIMIT_SECONDS)
}
