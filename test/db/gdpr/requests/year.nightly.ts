/**
 * A year of 1,000 requests, simulated day by day: people who answer late, jobs that fail, a fortnight in which nobody
 * works. No request comes to its day without an alert, and with one, none is missed (G-14).
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

const DAYS = 365
const REQUESTS = 1000
const KINDS = ['access', 'portability', 'erasure', 'rectification', 'objection']

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
  await db.owner.query(
    `insert into core.users (email) select 'p' || n || '@example.com' from generate_series(1, 250) n`,
  )
  // Eight hundred evaluations: of this alone.
  await db.owner.query(`delete from ops.metrics where name <> 'data_requests_due_days'`)
})
afterAll(() => db.drop())

/** The same numbers in each run. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

type Year = { opened: number; overdue: number; endangered: number; unnoticed: number; alerts: number }

/** One year; `answersAlerts` says whether somebody works on what an alert names. */
async function year(answersAlerts: boolean): Promise<Year> {
  const random = dice(42)
  const seen = {
    opened: 0,
    overdue: new Set<string>(),
    endangered: new Set<string>(),
    unnoticed: new Set<string>(),
  }
  const client = await db.owner.connect()
  try {
    await client.query('begin')
    for (let day = 0; day < DAYS + 40; day++) {
      await client.query(`select set_config('howdah.clock_offset', $1, true)`, [`${day} days`])
      for (let n = 0; day < DAYS && n < 3 && seen.opened < REQUESTS; n++) {
        const { rowCount } = await client.query(
          `select gdpr.open_subject_request(u.id, $2) from core.users u where u.email = $1
             and not exists (select from gdpr.subject_requests r where r.user_id = u.id and r.kind = $2 and r.closed_at is null)`,
          [`p${1 + Math.floor(random() * 250)}@example.com`, KINDS[Math.floor(random() * KINDS.length)]],
        )
        seen.opened += rowCount ?? 0
      }
      const isHoliday = day % 90 >= 60 && day % 90 < 74
      // What is answered without anybody looking at a date: most of it soon, some of it never.
      const { rows: open } = await client.query(
        `select id, kind, due_at <= core.now() as is_overdue, due_at <= core.now() + interval '7 days' as is_near
         from gdpr.subject_requests where closed_at is null order by due_at, id`,
      )
      for (const { id } of open) {
        if (!isHoliday && random() < 0.08) {
          await client.query('savepoint job')
          await client.query(`select gdpr.close_subject_request($1, 'fulfilled')`, [id])
          // The job dies before it commits.
          if (random() < 0.2) await client.query('rollback to job')
        }
      }
      const { rows: near } = await client.query(
        `select id, kind, due_at <= core.now() as is_overdue from gdpr.subject_requests
         where closed_at is null and due_at <= core.now() + interval '7 days'`,
      )
      await client.query('select ops.evaluate_alerts()')
      const { rows: alerts } = await client.query(
        `select labels ->> 'kind' as kind, severity from ops.alerts
         where metric = 'data_requests_due_days' and resolved_at is null`,
      )
      for (const { id, kind, is_overdue } of near) {
        seen.endangered.add(id)
        if (is_overdue) seen.overdue.add(id)
        const alert = alerts.find((one) => one.kind === kind)
        if (!alert || (is_overdue && alert.severity !== 'critical')) seen.unnoticed.add(id)
        // Whoever reads an alert answers what it is about, on most days.
        if (answersAlerts && alert && random() < 0.7) {
          await client.query(`select gdpr.close_subject_request($1, 'fulfilled')`, [id])
        }
      }
    }
    const { rows } = await client.query(
      `select count(*)::int as alerts from ops.alerts where metric = 'data_requests_due_days'`,
    )
    return {
      opened: seen.opened,
      overdue: seen.overdue.size,
      endangered: seen.endangered.size,
      unnoticed: seen.unnoticed.size,
      alerts: rows[0].alerts,
    }
  } finally {
    await client.query('rollback')
    client.release()
  }
}

test('1,000 requests, 0 overdue: each is noticed seven days before', async () => {
  const answered = await year(true)
  console.log(`a year: ${JSON.stringify(answered)}`)
  expect(answered).toMatchObject({ opened: REQUESTS, overdue: 0, unnoticed: 0 })
  expect(answered.endangered).toBeGreaterThan(20)
}, 300_000)

test('when nobody answers the alerts, some are overdue, and none of them unnoticed', async () => {
  const ignored = await year(false)
  console.log(`nobody listens: ${JSON.stringify(ignored)}`)
  expect(ignored.overdue).toBeGreaterThan(20)
  expect(ignored.unnoticed).toBe(0)
}, 300_000)

test('the control: without the metric they would be unnoticed', async () => {
  await db.owner.query(
    `update ops.metrics set warn_at = null, critical_at = null where name = 'data_requests_due_days'`,
  )
  expect((await year(true)).unnoticed).toBeGreaterThan(20)
}, 300_000)
