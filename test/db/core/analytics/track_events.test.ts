/** api.track_events through the real API: stored once, at the right time, or refused with a reason. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agreeTo } from '../../../setup/agree.ts'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'
import { event, idAt, type TestEvent } from './events.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const track = (events: unknown, sentAt?: string, token?: string) =>
  api.rpc('track_events', { events, ...(sentAt && { sent_at: sentAt }) }, token)
const stored = async (events: TestEvent[]) => {
  const { rows } = await db.owner.query(
    'select *, tableoid::regclass::text as partition from core.analytics_events where id = any ($1) order by id',
    [events.map(({ id }) => id)],
  )
  return rows
}

describe('who', () => {
  test('anybody may send; who is signed in is read from the token, never from the event', async () => {
    const person = await signUp(api)
    await agreeTo(api, 'analytics', person)
    const anonymous = event()
    const own = event({ properties: { user_id: randomUUID() } })
    expect((await track([anonymous])).body).toMatchObject({ accepted: 1, repeated: 0, refused: [] })
    expect((await track([own], undefined, person.token)).body).toMatchObject({ accepted: 1 })
    expect((await stored([anonymous]))[0].user_id).toBeNull()
    expect((await stored([own]))[0].user_id).toBe(person.id)
    const forged = await track([{ ...event(), user_id: person.id }])
    expect(forged.body).toMatchObject({ accepted: 0, refused: [{ index: 0, key: 'event_malformed' }] })
  })

  test('nobody but the owner reads or writes them by other ways', async () => {
    for (const role of ['howdah_anon', 'howdah_user', 'howdah_admin', 'howdah_worker'] as const) {
      for (const sql of [
        'select from core.analytics_events',
        'select from core.analytics_deltas',
        `insert into core.analytics_deltas (event_name, hour, event_count, signed_in_count) values ('x', now(), 1, 0)`,
        `select ops.register_event_schema('x', '{}')`,
        `select private.store_events('[]', null)`,
      ])
        await expect(db.session({ role }, (client) => client.query(sql))).rejects.toMatchObject({
          code: '42501',
        })
    }
  })

  test('only admins read the roll-ups', async () => {
    const person = await signUp(api)
    const admin = await signUp(api)
    await db.owner.query(`update core.users set role = 'admin' where id = $1`, [admin.id])
    const answer = await api.rpc('sign_in', { email: admin.email, password: admin.password })
    await track([event({ name: 'rollup.read' })])
    await db.as('howdah_worker').query('select core.roll_up_events()')
    for (const view of ['analytics_daily', 'analytics_hourly']) {
      expect((await api.get(`/${view}`)).status).toBe(401)
      expect((await api.get(`/${view}`, person.token)).status).toBe(403)
      const rows = await api.get(`/${view}?event_name=eq.rollup.read`, answer.body.access_token)
      expect(rows.body).toMatchObject([{ event_count: 1, signed_in_count: 0 }])
    }
  })

  test('events go with their account, the counts stay', async () => {
    const person = await signUp(api)
    await agreeTo(api, 'analytics', person)
    const one = event({ name: 'account.gone' })
    await track([one], undefined, person.token)
    await db.owner.query('delete from core.users where id = $1', [person.id])
    expect(await stored([one])).toEqual([])
    await db.owner.query('select core.roll_up_events()')
    const { rows } = await db.owner.query(
      `select event_count::int from core.analytics_daily where event_name = 'account.gone'`,
    )
    expect(rows).toEqual([{ event_count: 1 }])
  })
})

describe('repeats', () => {
  test('are stored once: in one call, in a later one, and after signing in', async () => {
    const person = await signUp(api)
    await agreeTo(api, 'analytics', person)
    const one = event()
    expect((await track([one, one])).body).toMatchObject({ accepted: 1, repeated: 1 })
    expect((await track([one])).body).toMatchObject({ accepted: 0, repeated: 1 })
    expect((await track([one], undefined, person.token)).body).toMatchObject({ accepted: 0, repeated: 1 })
    expect(await stored([one])).toHaveLength(1)
  })

  test('with another sent_at and another occurred_at meet the first one', async () => {
    const one = event()
    await track([one], new Date().toISOString())
    const later = new Date(Date.now() + 5 * MINUTE).toISOString()
    expect((await track([{ ...one, occurred_at: later }], later)).body).toMatchObject({ repeated: 1 })
    expect(await stored([one])).toHaveLength(1)
  })

  test('of one batch, 20 at once, are stored once', async () => {
    const visitor_id = randomUUID()
    const batch = Array.from({ length: 200 }, () => event({ visitor_id }))
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, turn) => track(turn % 2 ? batch : batch.toReversed())),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(answers.reduce((sum, { body }) => sum + body.accepted, 0)).toBe(200)
    expect(answers.reduce((sum, { body }) => sum + body.repeated, 0)).toBe(19 * 200)
    expect(await stored(batch)).toHaveLength(200)
  })
})

describe('time', () => {
  test('is corrected by what the client says its clock was at sending', async () => {
    for (const skew of [-20 * DAY, -3 * 60 * MINUTE, 0, 2 * 60 * MINUTE, 20 * DAY]) {
      const client = Date.now() + skew
      // Happened ten minutes before it was sent, on a clock that is wrong.
      const one = event({ at: client - 10 * MINUTE, name: 'skewed' })
      const answer = await track([one], new Date(client).toISOString())
      expect(answer.body, `skew ${skew}`).toMatchObject({ accepted: 1 })
      const [row] = await stored([one])
      expect(Math.abs(row.occurred_at.getTime() - (Date.now() - 10 * MINUTE))).toBeLessThan(5_000)
      expect(row.filed_at.getTime()).toBe(client - 10 * MINUTE)
    }
  })

  test('never lies after the event was received', async () => {
    const one = event({ occurred_at: '2099-12-31T23:59:59Z' })
    expect((await track([one])).body).toMatchObject({ accepted: 1 })
    const [row] = await stored([one])
    expect(row.occurred_at).toEqual(row.received_at)
  })

  test('outside the months that always have a partition refuses the event, not the call', async () => {
    const now = Date.now()
    const odd = [0, now - 70 * DAY, now + 29 * DAY, now + 400 * DAY, 2 ** 48 - 1].map((at) => event({ at }))
    const old = event({ occurred_at: '1970-01-01T00:00:00Z' })
    const { body } = await track([...odd, old, event()])
    expect(body.accepted).toBe(1)
    expect(body.refused.map((one: { key: string }) => one.key)).toEqual(
      Array(6).fill('event_time_out_of_range'),
    )
  })

  test.each(['2027-01-01T00:00:00.000Z', '2028-02-29T23:59:59.999Z', '2030-12-31T23:59:58Z'])(
    'across the border of a month at %s files by the id, and a repeat in the next month finds it',
    async (instant) => {
      const moveTo = async (at: number) => {
        const { rows } = await db.superuser.query('select ($1::timestamptz - now())::text as offset', [
          new Date(at),
        ])
        await setClock(db, rows[0].offset)
        await db.as('howdah_worker').query('select ops.create_monthly_partitions()')
      }
      const border = Date.parse(instant)
      await moveTo(border)
      const visitor_id = randomUUID()
      const batch = [-DAY, -1, 0, 1, DAY].map((off) => event({ at: border + off, visitor_id }))
      expect((await track(batch)).body).toMatchObject({ accepted: 5, refused: [] })
      for (const row of await stored(batch))
        expect(row.partition).toBe(
          `core.analytics_events_${row.filed_at.toISOString().slice(0, 7).replace('-', '_')}`,
        )
      await moveTo(border + 27 * DAY)
      expect((await track(batch)).body).toMatchObject({ accepted: 0, repeated: 5 })
      await moveTo(border + 100 * DAY)
      expect((await track(batch)).body).toMatchObject({ accepted: 0, repeated: 0 })
      expect(await stored(batch)).toHaveLength(5)
      await setClock(db, '0')
    },
  )

  test('without a month for it, as after months without upkeep, keeps the event until it has one', async () => {
    await setClock(db, '3650 days')
    const { rows } = await db.owner.query('select core.now() as now')
    const one = event({ at: rows[0].now.getTime() })
    expect((await track([one])).body).toMatchObject({ accepted: 1, refused: [] })
    expect((await stored([one]))[0].partition).toBe('core.analytics_events_default')
    await db.as('howdah_worker').query('select ops.create_monthly_partitions()')
    expect((await stored([one]))[0].partition).toBe(
      `core.analytics_events_${rows[0].now.toISOString().slice(0, 7).replace('-', '_')}`,
    )
    await setClock(db, '0')
  })
})

describe('refused', () => {
  const big = 'x'.repeat(8200)
  test.each<[string, unknown]>([
    ['event_malformed', null],
    ['event_malformed', 'text'],
    ['event_malformed', []],
    ['event_malformed', 1e308],
    ['event_malformed', { ...event(), extra: 1 }],
    ['event_id_invalid', {}],
    ['event_id_invalid', { ...event(), id: randomUUID() }],
    ['event_id_invalid', { ...event(), id: 7 }],
    ['event_id_invalid', { ...event(), id: `${event().id}\n` }],
    ['event_visitor_invalid', { ...event(), visitor_id: '' }],
    ['event_visitor_invalid', { ...event(), visitor_id: { a: 1 } }],
    ['event_session_invalid', { ...event(), session_id: `';--` }],
    ['event_name_invalid', { ...event(), name: 'Page Viewed' }],
    ['event_name_invalid', { ...event(), name: 'a'.repeat(65) }],
    ['event_name_invalid', { ...event(), name: 'a\n' }],
    ['event_time_invalid', { ...event(), occurred_at: '2026-02-30T00:00:00Z' }],
    ['event_time_invalid', { ...event(), occurred_at: '2026-01-01T00:00:00+16:00' }],
    ['event_time_invalid', { ...event(), occurred_at: 'infinity' }],
    ['event_time_invalid', { ...event(), occurred_at: 1 }],
    ['event_properties_invalid', { ...event(), properties: [] }],
    ['event_properties_invalid', { ...event(), properties: 'x' }],
    ['event_properties_too_large', { ...event(), properties: { big } }],
  ])('with %s, while its neighbours are stored', async (key, bad) => {
    const neighbours = [event(), event()]
    const { status, body } = await track([neighbours[0], bad, neighbours[1]])
    expect(status).toBe(200)
    expect(body).toMatchObject({ accepted: 2, repeated: 0, refused: [{ index: 1, key }] })
    expect(body.refused[0].detail).not.toBe('')
    expect(JSON.stringify(body).length).toBeLessThan(1000)
    expect(await stored(neighbours)).toHaveLength(2)
  })

  test.each([
    ['an object', {}],
    ['null', null],
    ['1,001 events', Array(1001).fill(0)],
    ['text', '[]'],
  ])('whole when it is %s (events_invalid)', async (_, events) => {
    expect(await track(events)).toMatchObject({ status: 400, body: { message: 'events_invalid' } })
  })

  test.each(['infinity', '-infinity', '1969-12-31T00:00:00Z', '294276-12-31T00:00:00Z'])(
    'whole when sent_at is %s (events_invalid)',
    async (sentAt) => {
      expect(await track([event()], sentAt)).toMatchObject({
        status: 400,
        body: { message: 'events_invalid' },
      })
    },
  )

  test('hostile texts and deep properties come back as they were sent, or not at all', async () => {
    const deep = Array.from({ length: 1000 }).reduce<object>((inner) => ({ a: inner }), {})
    const kept = event({ properties: { '__proto__ ': '<script>', 'a\nb': '\u202e\u0001', n: 1e300, deep } })
    expect((await track([kept])).body).toMatchObject({ accepted: 1 })
    expect((await stored([kept]))[0].properties).toEqual(kept.properties)
    const nul = await api.request('POST', '/rpc/track_events', {
      body: `{"events": [{"id": "${idAt(Date.now())}", "name": "a", "visitor_id": "${randomUUID()}", "properties": {"a": "\\u0000"}}]}`,
    })
    expect(nul.status).toBe(400)
    const bomb = await api.request('POST', '/rpc/track_events', {
      body: `{"events": ${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
    })
    expect(bomb.status).toBeGreaterThanOrEqual(400)
    expect((await track([event()])).body).toMatchObject({ accepted: 1 })
  })
})
