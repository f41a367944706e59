/** The register: letters, more time once, refusals with a reason, corrections, and what people see of it (G-14). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const operator = async (sql: string, values: unknown[]) => (await db.owner.query(sql, values)).rows[0]?.value
const receive = (person: Person, kind: string, receivedAt: string | null = null) =>
  operator('select gdpr.receive_request($1, $2, $3) as value', [person.email, kind, receivedAt])
const own = async (person: Person) => (await api.get('/data_requests?order=received_at', person.token)).body
const inbox = async (person: Person) =>
  (await api.get('/notifications?kind=eq.privacy&order=created_at', person.token)).body

test('a letter is due a month after it came, also when it is typed in later', async () => {
  const person = await signUp(api)
  const came = new Date(Date.now() - 20 * 86_400_000)
  const id = await receive(person, 'access', came.toISOString())
  expect(await receive(person, 'access')).toBe(id)
  const { rows } = await db.owner.query('select * from open_requests where id = $1', [id])
  expect(rows).toMatchObject([
    { email: person.email, origin: 'letter', is_overdue: false, is_extended: false },
  ])
  expect(rows[0].days_left).toBeGreaterThanOrEqual(7)
  expect(rows[0].days_left).toBeLessThanOrEqual(11)
  expect(await own(person)).toMatchObject([{ id, kind: 'access', state: 'open', closed_at: null }])
  expect(await own(await signUp(api))).toEqual([])
  expect((await api.get('/data_requests')).status).toBe(401)
  await expect(receive(person, 'erasure', new Date(Date.now() + 86_400_000).toISOString())).rejects.toThrow(
    'request_date_invalid',
  )
  await expect(operator(`select gdpr.receive_request('nobody@example.com', 'access')`, [])).rejects.toThrow(
    'account_not_found',
  )
})

test('two months more: once, in time, with a reason that the person reads in their language', async () => {
  const person = await signUp(api, { locale: 'de-AT' })
  const extend = (id: string, reason: string | null) =>
    operator('select gdpr.extend_request($1, $2)::text as value', [id, reason])
  await setClock(db, `${(Date.parse('2027-11-30T12:00:00Z') - Date.now()) / 1000} seconds`)
  const id = await receive(person, 'portability')
  await expect(extend(id, ' ')).rejects.toThrow('request_reason_invalid')
  expect(await extend(id, '14 Jahre Post')).toMatch(/^2028-02-29 1[12]:/)
  await expect(extend(id, 'once more')).rejects.toThrow('request_extended')
  const late = await receive(person, 'access', '2027-10-29T00:00:00Z')
  await expect(extend(late, 'forgot')).rejects.toThrow('request_overdue')
  await setClock(db, '0')
  const { rows } = await db.owner.query(
    `select title, body from core.notifications where user_id = $1 and kind = 'privacy'`,
    [person.id],
  )
  expect(rows).toEqual([
    {
      title: 'Ihre Anfrage braucht länger',
      body: 'Wir beantworten sie spätestens am 2028-02-29. Warum: 14 Jahre Post',
    },
  ])
})

test('a refusal says why and where to complain; what is closed stays closed', async () => {
  const person = await signUp(api)
  const id = await receive(person, 'objection')
  await operator('select gdpr.refuse_request($1, $2)', [id, 'We do no marketing.'])
  expect(await own(person)).toMatchObject([{ state: 'refused', refusal_reason: 'We do no marketing.' }])
  expect((await inbox(person))[0].body).toMatch(/We do no marketing\..*supervisory authority/)
  await expect(operator('select gdpr.refuse_request($1, $2)', [id, 'No.'])).rejects.toThrow('request_closed')
  await expect(
    operator('select gdpr.extend_request($1, $2)', ['00000000-0000-0000-0000-000000000000', 'No.']),
  ).rejects.toThrow('request_not_found')
})

test('a correction is asked for in words; until it is answered newer words count, and they go with the person', async () => {
  const person = await signUp(api)
  const ask = (correction: string) => api.rpc('request_correction', { correction }, person.token)
  expect((await ask(' ')).body.message).toBe('correction_invalid')
  const { body } = await ask('I was born in 1815.')
  expect((await ask('I was born on 10 December 1815.')).body).toEqual([
    { ...body[0], details: 'I was born on 10 December 1815.' },
  ])
  await operator('select gdpr.close_subject_request($1, $2)', [body[0].id, 'fulfilled'])
  expect(await own(person)).toMatchObject([{ kind: 'rectification', state: 'fulfilled' }])
  await operator('select erase_user($1)', [person.email])
  const { rows } = await db.owner.query(
    'select kind, details from gdpr.subject_requests where user_id = $1',
    [person.id],
  )
  expect(rows).toEqual([{ kind: 'rectification', details: null }])
})

test('an alert seven days before, critical when it is due, over when it is answered', async () => {
  const person = await signUp(api)
  await db.owner.query('delete from gdpr.subject_requests')
  const id = await receive(person, 'access')
  const alert = async (offset: string) => {
    await setClock(db, offset)
    await db.owner.query('select ops.evaluate_alerts()')
    const { rows } = await db.owner.query(
      `select labels ->> 'kind' as kind, severity from ops.alerts
       where metric = 'data_requests_due_days' and resolved_at is null`,
    )
    return rows
  }
  expect(await alert('20 days')).toEqual([])
  expect(await alert('25 days')).toEqual([{ kind: 'access', severity: 'warn' }])
  expect(await alert('32 days')).toEqual([{ kind: 'access', severity: 'critical' }])
  await operator(`select gdpr.close_subject_request($1, 'fulfilled')`, [id])
  expect(await alert('32 days')).toEqual([])
  await setClock(db, '0')
})
