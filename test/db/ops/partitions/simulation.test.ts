/** Two years of upkeep, day by day, in a session that lives in Berlin (O-16, O-17); then a year in which nobody comes. */
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventId } from '../../../../sdk/src/analytics/event-id.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { makeReadings, months, strays } from './readings.ts'

const DAY = 86_400_000
const RETENTION = 3
/** The first of this month, or of a January from which two years have a leap day. */
const FIRST = (() => {
  const now = new Date()
  const leapYear = Math.ceil((now.getUTCFullYear() + (now.getUTCMonth() > 1 ? 1 : 0)) / 4) * 4
  const thisMonth = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1)
  const lastStart = Date.UTC(leapYear - 2, 2, 1)
  return thisMonth >= lastStart ? thisMonth : Date.UTC(leapYear - 1, 0, 1)
})()

let db: TestDatabase
let client: pg.PoolClient
let userId: string
let oldest: string
beforeAll(async () => {
  db = await testDatabase()
  client = await db.owner.connect()
  await client.query(`set timezone = 'Europe/Berlin'`)
  await moveTo(FIRST)
  userId = (await makeReadings(client, { retention: RETENTION }))[0] ?? ''
  oldest = (await months(db))[0] ?? ''
})
afterAll(async () => {
  client.release(true)
  await db.drop()
})

/** Sets the session's clock; it goes on from there. */
const moveTo = (instant: number) =>
  client.query(`select set_config('howdah.clock_offset', ($1::timestamptz - now())::text, false)`, [
    new Date(instant).toISOString(),
  ])
const upkeep = (sql: string) => client.query(sql)

/** One write into each partitioned table, the audit log by its trigger. */
async function write(instant: number): Promise<void> {
  await moveTo(instant)
  await client.query('insert into ops.readings (user_id, read_at) values ($1, core.now())', [userId])
  // Somewhere it is tomorrow.
  await client.query(
    `insert into briefing.briefings (user_id, briefing_date, cards, timezone, generated_at)
     values ($1, (core.now() at time zone 'Pacific/Kiritimati')::date, '[]', 'Pacific/Kiritimati', core.now())
     on conflict on constraint briefings_pkey do update set generated_at = excluded.generated_at`,
    [userId],
  )
  const event = { id: eventId(instant), visitor_id: userId, user_id: userId, name: 'app_opened' }
  await client.query('select ops.ingest_events($1)', [JSON.stringify([event])])
  await client.query(`update core.users set display_name = $2 where id = $1`, [userId, `at ${instant}`])
}

const month = (date: Date, shift: number) => {
  const moved = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + shift, 1))
  return moved.toISOString().slice(0, 7).replace('-', '_')
}
const defaults = async () => {
  const { rows } = await client.query<{ n: number }>(
    `select coalesce(sum(value), 0)::int as n from ops.measure_partitions() where metric = 'default_partition_rows'`,
  )
  return rows[0]?.n
}

test('730 days, the leap day and two turns of the year among them: no write refused, no row astray, retention exact', async () => {
  let writes = 0
  let astray = 0
  const exact: boolean[] = []
  const lastSeconds: string[] = []
  for (let day = FIRST; exact.length < 24; day += DAY) {
    const date = new Date(day)
    await moveTo(day + 17 * 60_000)
    await upkeep('select ops.create_monthly_partitions()')
    if (date.getUTCDay() === 0) await upkeep('select from ops.drop_old_partitions()')
    // What can go wrong goes wrong where one month meets the next.
    const isEdge = [1, 2, 15].includes(date.getUTCDate()) || new Date(day + 2 * DAY).getUTCDate() <= 2
    for (const second of isEdge ? [0, DAY / 2, DAY - 1000] : [DAY / 2]) {
      await write(day + second)
      writes += 4
    }
    astray += (await defaults()) ?? 1
    const isLast = new Date(day + DAY).getUTCDate() === 1
    if (!isLast) continue
    lastSeconds.push(new Date(day + DAY - 1000).toISOString())
    const expected = Array.from({ length: 2 * RETENTION + 1 }, (_, i) => month(date, i - RETENTION))
    exact.push(JSON.stringify(await months(db)) === JSON.stringify(expected.filter((name) => name >= oldest)))
  }
  console.log(
    `24 months: ${writes} writes, 0 refused, ${astray} rows astray, retention exact in ${exact.filter(Boolean).length} of ${exact.length}`,
  )
  expect(lastSeconds.some((instant) => instant.endsWith('-02-29T23:59:59.000Z'))).toBe(true)
  expect(lastSeconds.filter((instant) => instant.endsWith('-12-31T23:59:59.000Z'))).toHaveLength(2)
  expect(astray).toBe(0)
  expect(exact).toEqual(Array(24).fill(true))
}, 240_000)

test('when nobody comes any more an alert opens at the first turn that is missed, long before a write goes astray', async () => {
  const { rows } = await client.query<{ now: Date }>('select core.now() as now')
  const stopped = rows[0]?.now.getTime() ?? 0
  await client.query(`select ops.declare_scheduled_tasks('{"ops/create_partitions": 86400}')`)
  await client.query(`select ops.finish_task_run(ops.begin_task_run('ops/create_partitions', 1))`)
  const opened = new Map<string, number>()
  for (let day = 1; day <= 150; day++) {
    await write(stopped + day * DAY)
    const { rows: events } = await client.query<{ event: string; metric: string; severity: string }>(
      `select event, metric, severity from ops.evaluate_alerts()
       where labels ->> 'relation' = 'ops.readings' or labels ->> 'task' = 'ops/create_partitions'`,
    )
    for (const { event, metric, severity } of events)
      if (event !== 'resolved') opened.set(`${metric} ${severity}`, day)
  }
  console.log(`after the upkeep stopped: ${JSON.stringify([...opened])}`)
  expect(opened.get('task_overdue_ratio warn')).toBeLessThanOrEqual(2)
  expect(opened.get('partition_runway_days warn')).toBeLessThan(35)
  const astray = opened.get('default_partition_rows critical') ?? 0
  expect(astray - (opened.get('partition_runway_days critical') ?? astray)).toBeGreaterThanOrEqual(14)
  expect(await strays(db)).toBeGreaterThan(30)

  await upkeep('select ops.create_monthly_partitions()')
  await client.query(`select ops.finish_task_run(ops.begin_task_run('ops/create_partitions', 2))`)
  expect(await defaults()).toBe(0)
  await client.query('select from ops.evaluate_alerts()')
  const open = await client.query(
    `select metric from ops.alerts where resolved_at is null
     and (labels ->> 'relation' = 'ops.readings' or labels ->> 'task' = 'ops/create_partitions')`,
  )
  expect(open.rows).toEqual([])
}, 120_000)
