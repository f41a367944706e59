/** What the nightly sweep takes: devices of ended sessions, devices not seen for long, what a dead worker left, old messages. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'
import { iosToken } from './devices.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const sweep = async (): Promise<void> => {
  await db.as('howdah_worker').query('select core.clean_up_notifications()')
}
const clean = async (policy: string): Promise<number> =>
  Number(
    (await db.as('howdah_worker').query('select gdpr.clean_up_batch($1) as gone', [policy])).rows[0].gone,
  )
const reasons = async (id: string) =>
  (
    await db.owner.query(
      'select disabled_reason from core.notification_tokens where user_id = $1 order by created_at',
      [id],
    )
  ).rows.map(({ disabled_reason }) => disabled_reason)

test('a device goes with its session, another one when it was not seen for long, both are forgotten later', async () => {
  const person = await signUp(api)
  await api.rpc('register_notification_token', { platform: 'ios', token: iosToken() }, person.token)
  // As an operator's act_as registers it: without a session.
  await db.owner.query(
    `insert into core.notification_tokens (user_id, platform, token) values ($1, 'ios', $2)`,
    [person.id, iosToken()],
  )
  await setClock(db, '29 days')
  await sweep()
  expect(await reasons(person.id)).toEqual([null, null])
  await setClock(db, '31 days')
  await sweep()
  expect(await reasons(person.id)).toEqual(['session_ended', null])
  await setClock(db, '91 days')
  await sweep()
  expect(await reasons(person.id)).toEqual(['session_ended', 'stale'])
  await setClock(db, '182 days')
  expect(await clean('notification_tokens')).toBe(2)
  expect(await reasons(person.id)).toEqual([])
  await setClock(db, '0')
})

test('a device whose session ran out is not pushed to before the sweep either', async () => {
  const person = await signUp(api)
  await api.rpc('register_notification_token', { platform: 'ios', token: iosToken() }, person.token)
  await setClock(db, '31 days')
  await db.owner.query(`select core.notify($1, 'security', 'Hello')`, [person.id])
  const { rows } = await db.owner.query(
    'select d.id, core.begin_delivery(d.id) as taken from core.notification_deliveries d where d.user_id = $1',
    [person.id],
  )
  expect(rows).toMatchObject([{ taken: null }])
  expect(await reasons(person.id)).toEqual(['session_ended'])
  await setClock(db, '0')
})

test('messages go after their days, with their deliveries; what a dead worker left becomes unknown', async () => {
  const person = await signUp(api)
  await api.rpc('register_notification_token', { platform: 'ios', token: iosToken() }, person.token)
  await db.owner.query(`select core.notify($1, 'security', 'Hello')`, [person.id])
  const state = async () =>
    (await db.owner.query('select state from core.notification_deliveries where user_id = $1', [person.id]))
      .rows
  await db.owner.query(
    'select core.begin_delivery(id) from core.notification_deliveries where user_id = $1',
    [person.id],
  )
  await sweep()
  expect(await state()).toEqual([{ state: 'sending' }])
  await setClock(db, '61 minutes')
  await sweep()
  expect(await state()).toEqual([{ state: 'unknown' }])
  await db.owner.query(`select ops.set_setting('notification_retention_days', '2')`)
  await setClock(db, '47 hours')
  expect(await clean('notifications')).toBe(0)
  await setClock(db, '49 hours')
  expect(await clean('notifications')).toBeGreaterThanOrEqual(1)
  expect(await state()).toEqual([])
})
