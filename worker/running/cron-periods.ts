/** How long the crontab lets a task rest: what the monitoring compares its last success with. */
import type { ParsedCronItem } from 'graphile-worker'

const MINUTE_MS = 60_000

/** Long enough for a monthly line to come twice, whatever the month. */
const LOOK_AHEAD_MINUTES = 63 * 24 * 60

/** Every task of the crontab with the longest time between two of its turns from `now` on, in seconds. */
export function cronPeriods(items: readonly ParsedCronItem[], now: Date): Record<string, number> {
  const periods: Record<string, number> = {}
  for (const item of items) {
    const turns = turnsOf(item, now)
    const gaps = turns.slice(1).map((turn, index) => turn - (turns[index] ?? turn))
    // A line that comes once in two months or never: its own period cannot be told from here.
    const minutes = gaps.length > 0 ? Math.max(...gaps) : LOOK_AHEAD_MINUTES
    periods[item.task] = Math.min(minutes * 60, periods[item.task] ?? Number.POSITIVE_INFINITY)
  }
  return periods
}

function turnsOf(item: ParsedCronItem, now: Date): number[] {
  const turns: number[] = []
  for (let minute = 0; minute < LOOK_AHEAD_MINUTES; minute++) {
    const at = new Date(now.getTime() + minute * MINUTE_MS)
    const isTurn = item.match({
      min: at.getUTCMinutes(),
      hour: at.getUTCHours(),
      date: at.getUTCDate(),
      month: at.getUTCMonth() + 1,
      dow: at.getUTCDay(),
    })
    if (isTurn) turns.push(minute)
  }
  return turns
}
