/** Due one calendar month after it came, whatever month that is; asked twice, answered once (G-14). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'

let db: TestDatabase
let userId: string
beforeAll(async () => {
  db = await testDatabase()
  userId = (await signUp(await testApi(db))).id
})
afterAll(() => db.drop())

const open = async () =>
  (await db.owner.query(`select gdpr.open_subject_request($1, 'access') as id`, [userId])).rows[0].id

test.each([
  ['2027-01-31T10:00:00Z', '2027-02-28T10:00:00.000Z'],
  ['2028-01-31T10:00:00Z', '2028-02-29T10:00:00.000Z'],
  ['2027-03-31T23:59:59Z', '2027-04-30T23:59:59.000Z'],
  ['2027-12-15T00:00:00Z', '2028-01-15T00:00:00.000Z'],
])('received %s, due %s', async (received, due) => {
  await setClock(db, `${(Date.parse(received) - Date.now()) / 1000} seconds`)
  const id = await open()
  expect(await open()).toBe(id)
  const { rows } = await db.owner.query('select due_at from gdpr.subject_requests where id = $1', [id])
  expect(Math.abs(rows[0].due_at.getTime() - Date.parse(due))).toBeLessThan(5000)
  await db.owner.query(`select gdpr.close_subject_request($1, 'fulfilled')`, [id])
  await db.owner.query(`select gdpr.close_subject_request($1, 'refused')`, [id])
  const closed = await db.owner.query('select outcome from gdpr.subject_requests where id = $1', [id])
  expect(closed.rows).toEqual([{ outcome: 'fulfilled' }])
  expect(await open()).not.toBe(id)
  await db.owner.query('delete from gdpr.subject_requests')
})
