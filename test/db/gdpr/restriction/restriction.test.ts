/** Restriction of processing: at once for who asks, by operators with a reason, and lifted only after a notice (G-15). */
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

const allowed = async ({ id }: Person) =>
  (await db.owner.query('select core.processing_allowed($1) as value', [id])).rows[0].value
const operator = async (sql: string, { email }: Person) => (await db.owner.query(sql, [email])).rows[0].value
const told = async ({ id }: Person) =>
  (
    await db.owner.query(
      `select title from core.notifications where user_id = $1 and kind = 'privacy' order by created_at`,
      [id],
    )
  ).rows.map(({ title }) => title)

test('who asks has it at once, sees it, and may take it back', async () => {
  const person = await signUp(api)
  for (let turn = 0; turn < 2; turn++) {
    const { body } = await api.rpc('request_restriction', { reason: 'The address is wrong.' }, person.token)
    expect(body).toMatchObject([{ kind: 'restriction', state: 'fulfilled' }])
    expect(await allowed(person)).toBe(false)
  }
  expect((await api.rpc('withdraw_restriction', {}, person.token)).status).toBe(204)
  expect(await allowed(person)).toBe(true)
  const again = await api.rpc('withdraw_restriction', {}, person.token)
  expect([again.status, again.body.message]).toEqual([404, 'restriction_not_found'])
  const { rows } = await db.owner.query(
    'select origin, reason, lifted_at is null as is_open from gdpr.restrictions where user_id = $1',
    [person.id],
  )
  expect(rows).toEqual([{ origin: 'account', reason: 'The address is wrong.', is_open: false }])
  expect((await api.rpc('request_restriction', {})).status).toBe(401)
})

test('what an operator restricted, the person is told, and only an operator lifts it, 72 hours after saying so', async () => {
  const person = await signUp(api)
  const restrict = (reason: string) =>
    operator(`select restrict_processing($1, '${reason}') as value`, person)
  await expect(restrict('  ')).rejects.toThrow('restriction_reason_invalid')
  const id = await restrict('AZ 12/26')
  expect(await restrict('AZ 12/26, second letter')).toBe(id)
  expect((await api.rpc('withdraw_restriction', {}, person.token)).status).toBe(404)
  const ends = await operator('select lift_restriction($1) as value', person)
  expect(ends.getTime() - Date.now()).toBeGreaterThan(71 * 3_600_000)
  expect(await operator('select lift_restriction($1) as value', person)).toEqual(ends)
  expect(await told(person)).toEqual([
    'The processing of your data is restricted',
    'The restriction of your data ends',
  ])
  await setClock(db, '71 hours')
  expect(await allowed(person)).toBe(false)
  await setClock(db, '73 hours')
  expect(await allowed(person)).toBe(true)
  await setClock(db, '0')
})

test("what an operator restricted too is not the person's to lift or to reword any more", async () => {
  const person = await signUp(api)
  const ask = () => api.rpc('request_restriction', { reason: 'Mine.' }, person.token)
  await ask()
  await operator(`select restrict_processing($1, 'AZ 14/26') as value`, person)
  await ask()
  expect((await api.rpc('withdraw_restriction', {}, person.token)).status).toBe(404)
  expect(await allowed(person)).toBe(false)
  const { rows } = await db.owner.query('select origin, reason from gdpr.restrictions where user_id = $1', [
    person.id,
  ])
  expect(rows).toEqual([{ origin: 'operator', reason: 'AZ 14/26' }])
})

test('one that is about to end goes on when it is asked for again', async () => {
  const person = await signUp(api)
  const id = await operator(`select restrict_processing($1, 'AZ 13/26') as value`, person)
  await operator('select lift_restriction($1) as value', person)
  expect(await operator(`select restrict_processing($1, 'AZ 13/26') as value`, person)).toBe(id)
  await setClock(db, '100 days')
  expect(await allowed(person)).toBe(false)
  await setClock(db, '0')
  const other = await signUp(api)
  expect(await operator('select lift_restriction($1) as value', other)).toBeNull()
})

test('nobody sets it for another: no web role and no worker writes it', async () => {
  const person = await signUp(api)
  for (const role of ['howdah_anon', 'howdah_user', 'howdah_admin', 'howdah_worker'] as const) {
    for (const sql of [
      'update core.users set processing_restricted_until = null',
      'select processing_restricted_until from core.users',
      'select * from gdpr.restrictions',
      `select gdpr.restrict_processing('${person.email}', 'x')`,
    ]) {
      await expect(db.session({ role }, (client) => client.query(sql))).rejects.toMatchObject({
        code: '42501',
      })
    }
  }
})
