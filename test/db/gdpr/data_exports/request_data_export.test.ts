/** Asking for a copy: one at a time, a few a day, entered in the register and answered there; and what goes by the clock. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { type Exporting, openExporting } from '../../../worker/support/exporting.ts'

let db: TestDatabase
let api: TestApi
let exporting: Exporting
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  exporting = openExporting(db, api)
})
afterAll(async () => {
  await exporting[Symbol.asyncDispose]()
  await db.drop()
})

const request = ({ token }: Person, args = {}) => api.rpc('request_data_export', args, token)
const status = async ({ token }: Person) => (await api.rpc('data_export_status', {}, token)).body[0]
const one = async (sql: string, ...values: unknown[]) => (await db.owner.query(sql, values)).rows[0]
const parts = async (id: string) =>
  (await one('select count(*)::int as n from gdpr.data_export_parts where export_id = $1', id)).n
const cleanUp = () => db.as('howdah_worker').query('select gdpr.clean_up_data_exports()')
const metrics = async () =>
  Object.fromEntries(
    (await db.owner.query('select metric, value::float from gdpr.measure_data_exports()')).rows.map(
      ({ metric, value }) => [metric, value],
    ),
  )
/** A moved clock makes access tokens old. */
const again = async (person: Person): Promise<Person> => {
  const { body } = await api.rpc('sign_in', { email: person.email, password: person.password })
  return { ...person, token: body.access_token }
}

test('asked twice, also at the same time: one export, one entry, one job with an id in it', async () => {
  const ada = await signUp(api)
  expect(await status(ada)).toBeUndefined()
  const answers = await Promise.all(Array.from({ length: 6 }, () => request(ada)))
  expect(answers.map((answer) => answer.status)).toEqual(Array(6).fill(200))
  const ids = new Set(answers.map(({ body }) => body[0].id))
  expect(ids.size).toBe(1)
  const [id] = ids
  expect(await status(ada)).toMatchObject({ id, state: 'waiting', kind: 'access', exported_row_count: 0 })
  const { rows } = await db.superuser.query(
    `select j.payload from graphile_worker._private_jobs as j join graphile_worker._private_tasks as t on t.id = j.task_id
     where t.identifier = 'gdpr/export_data'`,
  )
  expect(rows).toEqual([{ payload: { export_id: id } }])
  const entry = () => one('select kind, outcome from gdpr.subject_requests where user_id = $1', ada.id)
  expect(await entry()).toEqual({ kind: 'access', outcome: null })
  await exporting.make(id)
  expect(await entry()).toEqual({ kind: 'access', outcome: 'fulfilled' })
  expect(await status(ada)).toMatchObject({ id, state: 'ready', part_count: 1 })
  // Done twice, nothing happens twice.
  await exporting.make(id)
  expect(
    await one(
      `select (select count(*)::int from core.mails where user_id = $1 and kind = 'data_export_ready') as mails,
         (select count(*)::int from core.notifications where user_id = $1 and kind = 'data_export') as notifications`,
      ada.id,
    ),
  ).toEqual({ mails: 1, notifications: 1 })
  expect((await request(ada)).body[0].id).toBe(id)
})

test('what cannot be asked for (data_export_kind_unknown), and nobody asks without signing in', async () => {
  const ada = await signUp(api)
  for (const kind of ['erasure', '', null]) {
    expect((await request(ada, { kind })).body.message, String(kind)).toBe('data_export_kind_unknown')
  }
  expect((await request(ada, { kind: 'portability' })).body[0].kind).toBe('portability')
  expect((await api.rpc('request_data_export')).status).toBe(401)
  expect((await api.rpc('data_export_status')).status).toBe(401)
})

test('so many a day and no more (too_many_data_exports); the setting has bounds', async () => {
  let ada = await signUp(api)
  for (let count = 0; count < 3; count++) {
    await exporting.download(ada, await exporting.ready(ada))
  }
  const refused = await request(ada)
  expect([refused.status, refused.body.message]).toEqual([429, 'too_many_data_exports'])
  await setClock(db, '25 hours')
  ada = await again(ada)
  expect((await request(ada)).status).toBe(200)
  await setClock(db, '0')
  for (const value of ['0', '51', '1.5', 'null']) {
    await expect(
      db.owner.query(`select ops.set_setting('data_exports_per_day', $1)`, [value]),
    ).rejects.toMatchObject({
      message: 'setting_invalid',
    })
  }
  for (const value of ['4', '1441'])
    await expect(
      db.owner.query(`select ops.set_setting('data_export_download_minutes', $1)`, [value]),
    ).rejects.toMatchObject({ message: 'setting_invalid' })
})

test('nobody fetched it: gone after its time, and what is known of it after 90 days', async () => {
  const ada = await signUp(api)
  const id = await exporting.ready(ada)
  expect(await parts(id)).toBe(1)
  await setClock(db, '71 hours')
  await cleanUp()
  expect([await exporting.state(id), await parts(id)]).toEqual(['ready', 1])
  await setClock(db, '73 hours')
  const then = await again(ada)
  expect((await exporting.start(then, id)).body.message).toBe('data_export_not_found')
  await cleanUp()
  expect([await exporting.state(id), await parts(id)]).toEqual(['expired', 0])
  await cleanUp()
  await setClock(db, '91 days')
  await db.as('howdah_worker').query(`select gdpr.clean_up_batch('data_exports')`)
  expect(await exporting.state(id)).toBeUndefined()
  await setClock(db, '0')
})

test('one that was fetched whole and never confirmed goes with its token, or when a new one is asked for', async () => {
  const [ada, bob] = [await signUp(api), await signUp(api)]
  const [hers, his] = [await exporting.ready(ada), await exporting.ready(bob)]
  for (const [person, id] of [
    [ada, hers],
    [bob, his],
  ] as const) {
    const { body } = await exporting.start(person, id)
    expect(await exporting.part(person, body.token, 0)).toBeInstanceOf(Buffer)
    expect((await exporting.start(person, id)).body.message).toBe('data_export_not_found')
  }
  expect((await request(bob)).body[0].id).not.toBe(his)
  expect([await exporting.state(his), await parts(his)]).toEqual(['downloaded', 0])
  await cleanUp()
  expect([await exporting.state(hers), await parts(hers)]).toEqual(['ready', 1])
  await setClock(db, '61 minutes')
  await cleanUp()
  expect([await exporting.state(hers), await parts(hers)]).toEqual(['downloaded', 0])
  await setClock(db, '0')
})

test('one that fails is tried five times, its owner and the monitoring see it, and a new one answers the request', async () => {
  const ada = await signUp(api)
  await db.owner.query('delete from gdpr.data_exports')
  const id = await exporting.request(ada)
  await db.owner.query(`update gdpr.data_exports set requested_at = requested_at - interval '2 hours'`)
  expect((await metrics())['data_export_wait_seconds']).toBeGreaterThan(7000)
  await db.superuser.query('revoke insert on gdpr.data_export_parts from howdah_migrations')
  for (let attempt = 1; attempt <= 4; attempt++) {
    await expect(exporting.make(id)).rejects.toMatchObject({ key: 'data_export_failed' })
    expect(await exporting.state(id)).toBe('waiting')
  }
  await exporting.make(id)
  expect(await one('select state, error_key from gdpr.data_exports where id = $1', id)).toEqual({
    state: 'failed',
    error_key: '42501',
  })
  expect(await metrics()).toEqual({ data_export_wait_seconds: 0, data_exports_failed: 1 })
  await db.superuser.query('grant insert on gdpr.data_export_parts to howdah_migrations')
  await exporting.make(id)
  expect(await exporting.state(id)).toBe('failed')
  await exporting.ready(ada)
  expect(await metrics()).toEqual({ data_export_wait_seconds: 0, data_exports_failed: 0 })
  const declared = await db.owner.query(
    `select name from ops.metrics where name like 'data_export%' order by 1`,
  )
  expect(declared.rows.map(({ name }) => name)).toEqual(['data_export_wait_seconds', 'data_exports_failed'])
})
