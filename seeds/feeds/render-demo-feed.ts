/** Demo feeds say "three hours ago" instead of a date, so that they are fresh whenever they are loaded. */

const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Replaces `{{-3h}}`, `{{-2d}}` and the like with dates: RFC 822 in RSS 2.0, ISO 8601 in the other formats.
 * @example renderDemoFeed('<rss><pubDate>{{-1d}}</pubDate></rss>', new Date())
 */
export function renderDemoFeed(text: string, now: Date): string {
  const isRss = /<rss\b/.test(text)
  return text.replace(/\{\{-(\d+)([mhd])\}\}/g, (_, amount: string, unit: keyof typeof UNITS_MS) => {
    const date = new Date(now.getTime() - Number(amount) * UNITS_MS[unit])
    return isRss ? date.toUTCString() : date.toISOString()
  })
}
