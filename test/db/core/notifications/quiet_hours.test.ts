/** A night from the outbox's side, with the clock moved to it: what is pushed when, on the days when clocks jump too. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { setClock } from '../../../setup/clock.ts'
import { testDatabase } from '../../../setup/database.ts'
import { iosToken } from './devices.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const setClockTo = (instant: string) => setClock(db, `${(Date.parse(instant) - Date.now()) / 1000} seconds`)
beforeEach(() => setClock(db, '0'))

let people = 0
/** Somebody with a phone who is quiet from 22:00 to 07:00. */
async function sleeper(zone: string): Promise<string> {
  const { rows } = await db.owner.query(
    `with person as (insert into core.users (email, timezone) values ($1, $2) returning id),
       night as (insert into core.quiet_hours (user_id, starts_at, ends_at) select id, '22:00', '07:00' from person),
       phone as (insert into core.notification_tokens (user_id, platform, token) select id, 'ios', $3 from person)
     select id from person`,
    [`sleeper-${people++}@example.com`, zone, iosToken()],
  )
  return rows[0].id
}
async function notify(id: string, kind = 'announcement', more = ''): Promise<string> {
  const { rows } = await db.owner.query(`select core.notify($1, $2, 'Hello' ${more}) as id`, [id, kind])
  const { rows: made } = await db.owner.query(
    'select id from core.notification_deliveries where notification_id = $1',
    [rows[0].id],
  )
  return made[0].id
}
const begin = async (id: string) =>
  (await db.as('howdah_worker').query('select core.begin_delivery($1) as taken', [id])).rows[0].taken
async function delivery(id: string): Promise<{ state: string; next: string }> {
  const { rows } = await db.owner.query(
    'select state, next_attempt_at as next from core.notification_deliveries where id = $1',
    [id],
  )
  return { state: rows[0].state, next: rows[0].next.toISOString().slice(0, 16) }
}
/** When the job runs, seen from the moved clock. */
async function jobAt(id: string): Promise<number> {
  const { rows } = await db.as('howdah_worker').query(
    `select extract(epoch from run_at + current_setting('howdah.clock_offset')::interval)::float8 as at
     from graphile_worker._private_jobs where key = 'core/send_notification:' || $1::text`,
    [id],
  )
  return rows[0].at * 1000
}

describe('a message in the night', () => {
  test.each([
    ['Europe/Berlin', 'clocks go ahead', '2027-03-28T00:30Z', '2027-03-28T05:00'],
    ['Europe/Berlin', 'clocks go back', '2027-10-31T00:30Z', '2027-10-31T06:00'],
    ['America/New_York', 'clocks go ahead', '2027-03-14T06:30Z', '2027-03-14T11:00'],
    ['America/New_York', 'clocks go back', '2027-11-07T05:30Z', '2027-11-07T12:00'],
    ['Australia/Lord_Howe', 'clocks go ahead by half an hour', '2027-10-02T15:00Z', '2027-10-02T20:00'],
    ['Australia/Lord_Howe', 'clocks go back by half an hour', '2027-04-03T14:30Z', '2027-04-03T20:30'],
    ['Asia/Kathmandu', 'clocks never jump', '2027-03-27T20:00Z', '2027-03-28T01:15'],
  ])('in %s, when %s, is pushed when it ends', async (zone, _, at, end) => {
    const person = await sleeper(zone)
    await setClockTo(at)
    const id = await notify(person)
    expect(await delivery(id)).toEqual({ state: 'waiting', next: end })
    expect(Math.abs((await jobAt(id)) - Date.parse(`${end}Z`))).toBeLessThan(2000)
    // Asked too early, it says when to come again.
    await setClockTo(new Date(Date.parse(`${end}Z`) - 60_000).toISOString())
    expect(await begin(id)).toBeNull()
    expect(await delivery(id)).toEqual({ state: 'waiting', next: end })
    await setClockTo(`${end}:01Z`)
    expect(await begin(id)).toMatchObject({ platform: 'ios', message: { title: 'Hello' } })
  })

  test('that is urgent does not wait', async () => {
    const person = await sleeper('Europe/Berlin')
    await setClockTo('2027-01-10T02:00Z')
    expect(await begin(await notify(person, 'security'))).toMatchObject({ is_urgent: true })
  })

  test('that nobody wants in the morning any more expires', async () => {
    const person = await sleeper('Europe/Berlin')
    await setClockTo('2027-01-10T02:00Z')
    const id = await notify(person, 'announcement', `, expires_at => core.now() + interval '1 hour'`)
    expect(await begin(id)).toBeNull()
    expect((await delivery(id)).state).toBe('expired')
  })
})

test('a message of the evening that comes to its turn in the night waits; one whose owner flew away does not', async () => {
  const [stays, flies] = [await sleeper('Europe/Berlin'), await sleeper('Europe/Berlin')]
  await setClockTo('2027-01-10T20:59Z')
  const ids = [await notify(stays), await notify(flies)]
  await setClockTo('2027-01-10T21:01Z')
  await db.owner.query(`update core.users set timezone = 'America/New_York' where id = $1`, [flies])
  expect(await begin(ids[0] ?? '')).toBeNull()
  expect((await delivery(ids[0] ?? '')).next).toBe('2027-01-11T06:00')
  expect(await begin(ids[1] ?? '')).not.toBeNull()
})
