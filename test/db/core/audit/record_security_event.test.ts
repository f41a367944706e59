/** core.record_security_event: who came, was refused, left, or became somebody else, through the real API. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const since = async () =>
  (await db.owner.query('select coalesce(max(id), 0)::text as id from core.audit_log')).rows[0].id
const events = async (from: string) =>
  (
    await db.owner.query(`select * from core.audit_log where id > $1 and kind = 'security' order by id`, [
      from,
    ])
  ).rows

test('sign_up, sign_in, sign_out', async () => {
  const start = await since()
  const person = await signUp(api)
  await api.rpc('sign_in', { email: person.email, password: person.password })
  await api.rpc('sign_out', {}, person.token)
  await api.rpc('sign_out', {}, person.token)
  const found = await events(start)
  expect(found.map((e) => [e.operation, e.subject_id, e.acting_role])).toEqual([
    ['sign_up', person.id, 'howdah_anon'],
    ['sign_in', person.id, 'howdah_anon'],
    ['sign_in', person.id, 'howdah_anon'],
    ['sign_out', person.id, 'howdah_user'],
  ])
  const [first, out] = [found[1], found[3]]
  expect(out.new_values.session_id).toBe(first.new_values.session_id)
  expect(out.actor_session_id).toBe(first.new_values.session_id)
})

test('every failed sign-in, throttled ones too, without what was typed', async () => {
  const person = await signUp(api)
  const start = await since()
  const guess = (email: string) => api.rpc('sign_in', { email, password: 'typed-by-mistake' })
  await guess('my-password-typed-as-address@example.com')
  const answers = await Promise.all(Array.from({ length: 13 }, () => guess(person.email)))
  const found = await events(start)
  expect(found.every((e) => e.operation === 'sign_in_failed')).toBe(true)
  const reasons = found.filter((e) => e.subject_id === person.id).map((e) => e.new_values.reason)
  expect(reasons.filter((r) => r === 'invalid_credentials')).toHaveLength(
    answers.filter((a) => a.status === 401).length,
  )
  expect(reasons.filter((r) => r === 'too_many_attempts')).toHaveLength(3)
  expect(found[0]).toMatchObject({ subject_id: null, new_values: { reason: 'invalid_credentials' } })
  const { rows } = await db.owner.query(
    `select count(*)::int as n from core.audit_log e where e::text ~ 'typed-(by|as)'`,
  )
  expect(rows[0].n).toBe(0)
})

test('password_changed, and every refused password before it', async () => {
  const person = await signUp(api)
  const start = await since()
  const change = (current: string) =>
    api.rpc(
      'change_password',
      { current_password: current, new_password: 'an entirely new one' },
      person.token,
    )
  expect((await change('typed-by-mistake')).status).toBe(403)
  expect((await change(person.password)).status).toBe(200)
  expect((await events(start)).map((e) => [e.operation, e.subject_id, e.new_values.reason])).toEqual([
    ['reauthentication_failed', person.id, 'password_wrong'],
    ['password_changed', person.id, undefined],
  ])
})

test('refresh_token_reused', async () => {
  const person = await signUp(api)
  await api.rpc('refresh_session', { refresh_token: person.refreshToken })
  await setClock(db, '1 minute')
  const start = await since()
  expect((await api.rpc('refresh_session', { refresh_token: person.refreshToken })).status).toBe(401)
  expect((await events(start)).map((e) => [e.operation, e.subject_id])).toEqual([
    ['refresh_token_reused', person.id],
  ])
  await setClock(db, '0')
})

test('a changed role or status, whoever changed it', async () => {
  const person = await signUp(api)
  const start = await since()
  await db.owner.query(`update core.users set role = 'admin', status = 'suspended' where id = $1`, [
    person.id,
  ])
  await db.owner.query(`update core.users set role = role, display_name = 'x' where id = $1`, [person.id])
  expect(
    (await events(start)).map((e) => [e.operation, e.subject_id, e.database_role, e.new_values]),
  ).toEqual([
    ['role_changed', person.id, 'howdah_migrations', { from: 'user', to: 'admin' }],
    ['status_changed', person.id, 'howdah_migrations', { from: 'active', to: 'suspended' }],
  ])
})
