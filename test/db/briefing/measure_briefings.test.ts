/** Who waits for a briefing is counted, and by how long. */
import { afterAll, expect, test } from 'vitest'
import { testDatabase } from '../../setup/database.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const levels = async () => {
  const { rows } = await db.owner.query(
    `select metric, round(value)::int as value, status from service_levels where metric like 'briefing%' order by 1`,
  )
  return Object.fromEntries(rows.map(({ metric, value, status }) => [metric, [value, status]]))
}

test('nobody is late, one is by minutes, one by hours, and those who are suspended do not count', async () => {
  expect(await levels()).toEqual({
    briefing_lag_seconds: [0, 'ok'],
    briefings_failing: [0, 'ok'],
    briefings_overdue: [0, 'ok'],
  })
  await db.owner.query(
    `insert into core.users (email, status) values ('in@example.com', 'active'), ('late@example.com', 'active'),
       ('soon@example.com', 'active'), ('gone@example.com', 'suspended')`,
  )
  const due = (email: string, before: string) =>
    db.owner.query(
      `insert into briefing.schedules as s (user_id, next_due_at)
       select id, now() - $2::interval from core.users where email = $1
       on conflict (user_id) do update set next_due_at = excluded.next_due_at`,
      [email, before],
    )
  await due('in@example.com', '4 minutes')
  await due('late@example.com', '20 minutes')
  await due('soon@example.com', '-1 hour')
  await due('gone@example.com', '3 days')
  expect(await levels()).toMatchObject({
    briefing_lag_seconds: [expect.closeTo(1200, -1), 'warn'],
    briefings_overdue: [1, 'ok'],
  })
  await due('in@example.com', '2 hours')
  await db.owner.query('update briefing.schedules set failure_count = 1 where next_due_at > now()')
  expect(await levels()).toMatchObject({
    briefing_lag_seconds: [expect.closeTo(7200, -1), 'critical'],
    briefings_failing: [1, 'warn'],
    briefings_overdue: [2, 'ok'],
  })
})
