/** The next briefing by people's own clocks, also on the days when clocks jump. */
import { afterAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../../setup/database.ts'

const db = await testDatabase()
afterAll(() => db.drop())

/** Three briefings in a row: UTC instants from `after` on. */
async function threeAfter(zone: string, time: string | null, after: string): Promise<string[]> {
  const instants: string[] = []
  for (let last = after; instants.length < 3; last = instants.at(-1) ?? last) {
    const { rows } = await db.owner.query('select briefing.next_due_at($1, $2, $3) as due', [
      zone,
      time,
      last,
    ])
    instants.push(rows[0].due.toISOString().replace(':00.000Z', 'Z'))
  }
  return instants
}

describe('next_due_at', () => {
  it.each([
    [
      'an ordinary day',
      'Europe/Berlin',
      '07:00',
      '2026-01-10T05:00Z',
      ['01-10T06:00', '01-11T06:00', '01-12T06:00'],
    ],
    [
      '07:00 when none is chosen',
      'UTC',
      null,
      '2026-01-10T07:00Z',
      ['01-11T07:00', '01-12T07:00', '01-13T07:00'],
    ],
    [
      'spring: 02:30 does not exist, 03:30 it is',
      'Europe/Berlin',
      '02:30',
      '2026-03-28T12:00Z',
      ['03-29T01:30', '03-30T00:30', '03-31T00:30'],
    ],
    [
      'spring: 07:00 is an hour earlier',
      'Europe/Berlin',
      '07:00',
      '2026-03-28T12:00Z',
      ['03-29T05:00', '03-30T05:00', '03-31T05:00'],
    ],
    [
      'autumn: 02:30 comes twice, the second counts',
      'Europe/Berlin',
      '02:30',
      '2026-10-24T12:00Z',
      ['10-25T01:30', '10-26T01:30', '10-27T01:30'],
    ],
    [
      'autumn, asked between the two',
      'Europe/Berlin',
      '02:30',
      '2026-10-25T00:45Z',
      ['10-25T01:30', '10-26T01:30', '10-27T01:30'],
    ],
    [
      'half an hour’s jump, spring',
      'Australia/Lord_Howe',
      '02:15',
      '2026-10-03T00:00Z',
      ['10-03T15:45', '10-04T15:15', '10-05T15:15'],
    ],
    [
      'half an hour’s jump, autumn',
      'Australia/Lord_Howe',
      '01:45',
      '2026-04-04T00:00Z',
      ['04-04T15:15', '04-05T15:15', '04-06T15:15'],
    ],
    [
      'far ahead of UTC',
      'Pacific/Apia',
      '07:00',
      '2026-06-01T17:59Z',
      ['06-01T18:00', '06-02T18:00', '06-03T18:00'],
    ],
  ])('%s', async (_what, zone, time, after, expected) => {
    expect(await threeAfter(zone, time, after)).toEqual(expected.map((instant) => `2026-${instant}Z`))
  })

  it('skips the day that Samoa skipped', async () => {
    expect(await threeAfter('Pacific/Apia', '07:00', '2011-12-28T20:00Z')).toEqual([
      '2011-12-29T17:00Z',
      '2011-12-30T17:00Z',
      '2011-12-31T17:00Z',
    ])
  })

  it('gives every zone one briefing a local day for two years', async () => {
    const { rows } = await db.owner.query(`
      with recursive walk (zone, due, n) as (
        select zone, briefing.next_due_at(zone, time, '2026-01-01'), 1 from unnest(
          array['Europe/Berlin', 'Australia/Lord_Howe', 'America/New_York', 'Africa/Casablanca', 'Asia/Kathmandu'],
          array['02:30', '02:10', '01:15', '02:00', '00:00']) as z (zone, time)
        union all
        select walk.zone, briefing.next_due_at(walk.zone, z.time, walk.due), n + 1
        from walk join unnest(
          array['Europe/Berlin', 'Australia/Lord_Howe', 'America/New_York', 'Africa/Casablanca', 'Asia/Kathmandu'],
          array['02:30', '02:10', '01:15', '02:00', '00:00']) as z (zone, time) using (zone)
        where n < 730
      )
      select zone, count(distinct (due at time zone zone)::date)::int as days,
        max((due at time zone zone)::date) - min((due at time zone zone)::date) + 1 as span
      from walk group by zone`)
    expect(rows.length).toBe(5)
    for (const row of rows) expect(row).toMatchObject({ days: 730, span: 730 })
  })
})
