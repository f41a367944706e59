/** Quiet hours by people's own clocks, against a second opinion: JavaScript's, minute by minute. */
import { afterAll, describe, expect, test } from 'vitest'
import { testDatabase } from '../../../setup/database.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const MINUTE = 60_000

async function quietUntil(
  zone: string,
  from: string,
  until: string,
  instants: Date[],
): Promise<(string | null)[]> {
  const { rows } = await db.owner.query<{ ends: Date | null }>(
    `select core.quiet_until($1, $2, $3, at) as ends from unnest($4::timestamptz[]) with ordinality as i (at, n) order by n`,
    [zone, from, until, instants],
  )
  return rows.map(({ ends }) => ends?.toISOString() ?? null)
}

/** What the clocks of a zone show, minute by minute. */
function clockOf(zone: string): (instant: number) => string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return (instant) => format.format(instant)
}

/** The last minute first: whoever is quiet is so until the first minute that is not. */
function expected(zone: string, from: string, until: string, instants: Date[]): (string | null)[] {
  const clock = clockOf(zone)
  const isQuiet = (instant: number) => {
    const time = clock(instant)
    return from < until ? from <= time && time < until : from <= time || time < until
  }
  const [first, last] = [instants[0]?.getTime() ?? 0, (instants.at(-1)?.getTime() ?? 0) + 24 * 60 * MINUTE]
  const ends = new Map<number, number>()
  let end: number | undefined
  for (let at = last; at >= first; at -= MINUTE) {
    if (!isQuiet(at)) end = at
    else if (end !== undefined) ends.set(at, end)
  }
  return instants.map((instant) => {
    const found = ends.get(instant.getTime())
    return found === undefined ? null : new Date(found).toISOString()
  })
}

/** The days on which clocks jump, ahead and back. */
const DAYS: [string, string, string][] = [
  ['Europe/Berlin', '2026-03-29', '2026-10-25'],
  ['America/New_York', '2026-03-08', '2026-11-01'],
  // By half an hour.
  ['Australia/Lord_Howe', '2026-10-04', '2026-04-05'],
  // At midnight, in the middle of the night.
  ['America/Santiago', '2026-09-06', '2026-04-05'],
  // Never; with a quarter of an hour in its offset.
  ['Asia/Kathmandu', '2026-03-29', '2026-10-25'],
]
const WINDOWS: [string, string][] = [
  ['22:00', '07:00'],
  ['20:15', '06:45'],
  ['13:00', '14:30'],
  ['05:00', '04:59'],
]

describe('quiet_until', () => {
  test.each(DAYS.flatMap(([zone, ...days]) => days.map((day) => [zone, day] as const)))(
    'in %s around %s agrees with every clock, every 7 minutes of three days',
    async (zone, day) => {
      const start = Date.parse(`${day}T00:00:00Z`) - 36 * 60 * MINUTE
      const instants = Array.from({ length: 600 }, (_, step) => new Date(start + step * 7 * MINUTE))
      for (const [from, until] of WINDOWS) {
        const found = await quietUntil(zone, from, until, instants)
        expect(found.some((end) => end !== null)).toBe(true)
        expect(found).toEqual(expected(zone, from, until, instants))
      }
    },
  )

  test.each([
    [
      'ends in the hour that is skipped: as much later',
      '22:00',
      '02:30',
      '2026-03-29T00:59Z',
      '2026-03-29T01:30Z',
    ],
    [
      'ends in the hour that comes twice: the second time',
      '22:00',
      '02:30',
      '2026-10-25T00:45Z',
      '2026-10-25T01:30Z',
    ],
    ['has ended then, and does not begin again', '22:00', '02:30', '2026-10-25T01:30Z', null],
    ['begins in the hour that comes twice: the second time', '02:30', '05:00', '2026-10-25T00:45Z', null],
    ['has begun then', '02:30', '05:00', '2026-10-25T01:30Z', '2026-10-25T04:00Z'],
    ['begins at its first minute', '22:00', '07:00', '2026-01-10T21:00Z', '2026-01-11T06:00Z'],
    ['is over at its last', '22:00', '07:00', '2026-01-11T06:00Z', null],
  ])('a night in Berlin that %s', async (_, from, until, at, ends) => {
    const [found] = await quietUntil('Europe/Berlin', from, until, [new Date(at)])
    expect(found?.replace(':00.000Z', 'Z') ?? null).toBe(ends)
  })

  test('whatever zone the session has', async () => {
    for (const zone of ['UTC', 'Pacific/Apia', 'America/Sao_Paulo']) {
      const client = await db.owner.connect()
      await client.query(`select set_config('timezone', $1, false)`, [zone])
      const { rows } = await client.query(
        `select core.quiet_until('Europe/Berlin', '22:00', '07:00', '2026-03-28T22:00Z') = '2026-03-29T05:00Z' as is_right`,
      )
      client.release(true)
      expect(rows).toEqual([{ is_right: true }])
    }
  })
})
