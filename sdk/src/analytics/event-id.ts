/** Ids of analytics events: the instant is inside, so that the server files a repeat where it filed the first try. */

/**
 * A UUID version 7.
 * @param at milliseconds since 1970
 * Source: RFC 9562 section 5.7.
 */
export function eventId(at: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10))
  const random = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const time = Math.trunc(at).toString(16).padStart(12, '0').slice(-12)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-8${random.slice(3, 6)}-${random.slice(8, 20)}`
}
