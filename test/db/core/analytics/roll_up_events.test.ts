/** core.roll_up_events: every event counts exactly once, however late it or its transaction comes. */
import { randomInt, randomUUID } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { event, type TestEvent } from './events.ts'

const HOUR = 3_600_000

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

const insert = (to: pg.Pool | pg.PoolClient, events: TestEvent[]) =>
  to.query('select ops.ingest_events($1) as stored', [JSON.stringify(events)])
const rollUp = () => db.as('howdah_worker').query('select core.roll_up_events() as folded')

/** Where the roll-ups differ from counting the events. */
async function differences() {
  const { rows } = await db.owner.query(`
    with counted as (
      select name, date_trunc('hour', occurred_at, 'UTC') as hour, count(*) as events, count(user_id) as signed_in
      from core.analytics_events group by 1, 2)
    select 'hour' as of, coalesce(c.name, h.event_name) as name
    from counted as c full join core.analytics_hourly as h on h.event_name = c.name and h.hour = c.hour
    where (c.events, c.signed_in) is distinct from (h.event_count, h.signed_in_count)
    union all
    select 'day', coalesce(c.name, d.event_name)
    from (
      select name, (hour at time zone 'UTC')::date as day, sum(events)::bigint as events, sum(signed_in)::bigint as signed_in
      from counted group by 1, 2) as c
    full join core.analytics_daily as d on d.event_name = c.name and d.day = c.day
    where (c.events, c.signed_in) is distinct from (d.event_count, d.signed_in_count)`)
  return rows
}

test('what is not committed yet is counted after it is, although younger transactions were counted before', async () => {
  const slow = await db.owner.connect()
  try {
    await slow.query('begin')
    await insert(slow, [event({ name: 'slow' }), event({ name: 'slow' })])
    await insert(db.owner, [event({ name: 'fast' })])
    await rollUp()
    const counts = async () =>
      (await db.owner.query('select event_name, event_count::int from core.analytics_daily order by 1')).rows
    expect(await counts()).toEqual([{ event_name: 'fast', event_count: 1 }])
    await slow.query('commit')
    expect((await rollUp()).rows).toEqual([{ folded: 1 }])
    expect(await counts()).toEqual([
      { event_name: 'fast', event_count: 1 },
      { event_name: 'slow', event_count: 2 },
    ])
    expect((await rollUp()).rows).toEqual([{ folded: 0 }])
  } finally {
    slow.release()
  }
})

test('a walk of writers, repeats, undone transactions and roll-ups at once ends in the plain count', async () => {
  const names = ['walk.a', 'walk.b', 'walk.c']
  const made: TestEvent[] = []
  const some = () =>
    Array.from({ length: randomInt(1, 40) }, () => {
      const repeat = made[randomInt(0, Math.max(1, made.length * 3))]
      const one =
        repeat ??
        event({
          name: names[randomInt(0, names.length)] ?? 'walk.a',
          visitor_id: randomUUID(),
          // Late ones too, over the border of hours, days and months.
          at: Date.now() - randomInt(0, 20 * 24) * HOUR,
        })
      made.push(one)
      return one
    })
  let undone = 0
  const writer = async () => {
    for (let turn = 0; turn < 40; turn++) {
      const client = await db.owner.connect()
      try {
        await client.query('begin')
        for (let step = randomInt(1, 4); step > 0; step--) await insert(client, some())
        const isUndone = randomInt(0, 4) === 0
        if (isUndone) undone++
        await client.query(isUndone ? 'rollback' : 'commit')
      } catch (error) {
        // Two transactions of several calls each may wait for each other's ids in a circle; one is undone then.
        if ((error as { code?: string }).code !== '40P01') throw error
        await client.query('rollback')
      } finally {
        client.release()
      }
    }
  }
  let isWriting = true
  const roller = async () => {
    let turns = 0
    while (isWriting) {
      await rollUp()
      turns++
    }
    return turns
  }
  const rollers = [roller(), roller()]
  await Promise.all(Array.from({ length: 5 }, writer))
  isWriting = false
  const turns = await Promise.all(rollers)
  while ((await rollUp()).rows[0].folded > 0);
  const { rows } = await db.owner.query('select count(*)::int as count from core.analytics_events')
  expect(rows[0].count).toBeGreaterThan(1000)
  expect(undone).toBeGreaterThan(10)
  expect(Math.min(...turns)).toBeGreaterThan(5)
  expect(await differences()).toEqual([])
})

test('the comparison finds a miscount, so that an empty one means something', async () => {
  await db.owner.query(
    'update core.analytics_hourly set event_count = event_count + 1 where event_name = $1',
    ['fast'],
  )
  expect(await differences()).toMatchObject([{ of: 'hour', name: 'fast' }])
  await db.owner.query(
    'update core.analytics_hourly set event_count = event_count - 1 where event_name = $1',
    ['fast'],
  )
})

test('takes no more at once than it is told to', async () => {
  for (let turn = 0; turn < 5; turn++) await insert(db.owner, [event({ name: 'walk.a' })])
  const fold = async () => (await db.owner.query('select core.roll_up_events(2) as folded')).rows[0].folded
  expect([await fold(), await fold(), await fold(), await fold()]).toEqual([2, 2, 1, 0])
  expect(await differences()).toEqual([])
})

test('an ingest with one wrong event stores none', async () => {
  const good = event({ name: 'ingest.good' })
  for (const bad of [
    { ...event(), name: 'Wrong' },
    { ...event(), id: randomUUID() },
    { ...event(), visitor_id: null },
  ])
    await expect(insert(db.owner, [good, bad as TestEvent])).rejects.toMatchObject({ code: /^23/ })
  expect((await insert(db.owner, [good, good])).rows).toEqual([{ stored: 1 }])
})
