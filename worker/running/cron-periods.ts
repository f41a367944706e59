/** How long the crontab lets a task rest: what the monitoring compares its last success with. */
import type { ParsedCronItem } from 'graphile-worker'

const MINUTE_MS = 60_000

/** Long enough for a monthly line to come twice, whatever the month. */
const LOOK_AHEAD_MINUTES = 63 * 24 * 60

/** Every task of the crontab with the longest time between two of its turns from `now` on, in seconds. */
export function cronPeriods(items: readonly ParsedCronItem[], now: Date): Record<string, number> {
  const lines = items.map((item) => ({ item, turn: undefined as number | undefined, gap: 0 }))
  // A worker that starts waits for this, so each minute is taken apart once for all lines.
  for (let minute = 0; minute < LOOK_AHEAD_MINUTES; minute++) {
    const at = new Date(now.getTime() + minute * MINUTE_MS)
    const digest = {
      min: at.getUTCMinutes(),
      hour: at.getUTCHours(),
      date: at.getUTCDate(),
      month: at.getUTCMonth() + 1,
      dow: at.getUTCDay(),
    }
    for (const line of lines) {
      if (!line.item.match(digest)) continue
      line.gap = Math.max(line.gap, minute - (line.turn ?? minute))
      line.turn = minute
    }
  }
  const periods: Record<string, number> = {}
  for (const { item, gap } of lines) {
    // A line that comes once in two months or never: its own period cannot be told from here.
    const seconds = (gap || LOOK_AHEAD_MINUTES) * 60
    periods[item.task] = Math.min(seconds, periods[item.task] ?? Number.POSITIVE_INFINITY)
  }
  return periods
}
