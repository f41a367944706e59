/** Every scheduled briefing around every jump of the clocks comes exactly once, by the account of an independent library. */
import { Temporal } from 'temporal-polyfill'
import { afterAll, expect, it } from 'vitest'
import { testDatabase } from '../../setup/database.ts'

const db = await testDatabase()
afterAll(() => db.drop())

/** Half an hour, a whole one, at midnight, in the southern half of the year, with three quarters of an hour's offset. */
const ZONES = [
  'Africa/Cairo',
  'America/New_York',
  'America/Santiago',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Europe/Berlin',
  'Europe/London',
  'Pacific/Chatham',
]
const FROM = Temporal.Instant.from('2026-01-01T00:00:00Z')
const UNTIL = Temporal.Instant.from('2028-01-01T00:00:00Z')
const TIMES = Array.from(
  { length: 96 },
  (_, quarter) =>
    `${String(Math.floor(quarter / 4)).padStart(2, '0')}:${String((quarter % 4) * 15).padStart(2, '0')}`,
)

/** The days on which a zone's clocks jump in two years. */
function jumps(zone: string): Temporal.PlainDate[] {
  const days: Temporal.PlainDate[] = []
  for (let at = FROM.toZonedDateTimeISO(zone); ; ) {
    const next = at.getTimeZoneTransition('next')
    if (!next || Temporal.Instant.compare(next.toInstant(), UNTIL) >= 0) return days
    days.push(next.toPlainDate())
    at = next
  }
}

/** Once a day from two days before a jump to two days after it. What does not exist is later, what comes twice the second. */
function expected(zone: string, time: string, jump: Temporal.PlainDate): string[] {
  return Array.from({ length: 5 }, (_, day) =>
    jump
      .add({ days: day - 2 })
      .toPlainDateTime(Temporal.PlainTime.from(time))
      .toZonedDateTime(zone, { disambiguation: 'later' })
      .toInstant()
      .toString(),
  )
}

/** What a scheduler sees that asks again after each briefing, for all times of the day at once. */
async function scheduled(zone: string, jump: Temporal.PlainDate): Promise<Map<string, string[]>> {
  const before = jump.add({ days: -2 }).toZonedDateTime(zone).toInstant().add({ seconds: -1 })
  const { rows } = await db.owner.query<{ time: string; dues: Date[] }>(
    `with recursive run as (
       select t.time, 1 as place, briefing.next_due_at($1, t.time, $2) as due from unnest($3::text[]) as t (time)
       union all
       select r.time, r.place + 1, briefing.next_due_at($1, r.time, r.due) from run as r where r.place < 5
     )
     select time, array_agg(due order by place) as dues from run group by time`,
    [zone, before.toString(), TIMES],
  )
  return new Map(
    rows.map(({ time, dues }) => [time, dues.map((due) => due.toISOString().replace('.000Z', 'Z'))]),
  )
}

it.each(ZONES)('%s', async (zone) => {
  const days = jumps(zone)
  expect(days.length).toBe(4)
  let compared = 0
  for (const jump of days) {
    const found = await scheduled(zone, jump)
    for (const time of TIMES) {
      expect(found.get(time), `${zone} ${time} around ${jump}`).toEqual(expected(zone, time, jump))
      compared += 5
    }
  }
  expect(compared).toBe(4 * 96 * 5)
})
