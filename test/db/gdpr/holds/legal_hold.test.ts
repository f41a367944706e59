/** Under a legal hold nothing of an account is erased, and afterwards everything can be. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

test('held: ten tries to erase change nothing; released: gone', async () => {
  const ada = await signUp(api)
  await db.owner.query(`select gdpr.place_legal_hold($1, 'Case 7 of 2026')`, [ada.email])
  for (let attempt = 0; attempt < 10; attempt++) {
    await expect(db.owner.query('select erase_user($1)', [ada.email])).rejects.toMatchObject({
      code: 'PT409',
      message: 'account_on_hold',
    })
  }
  expect((await api.rpc('me', {}, ada.token)).status).toBe(200)
  await db.owner.query(`select gdpr.place_legal_hold($1, 'Case 8 of 2026')`, [ada.email])
  const { rows } = await db.owner.query('select reason from gdpr.legal_holds')
  expect(rows).toEqual([{ reason: 'Case 8 of 2026' }])
  const release = () => db.owner.query('select gdpr.release_legal_hold($1) as ended', [ada.email])
  expect((await release()).rows[0].ended).toBe(true)
  expect((await release()).rows[0].ended).toBe(false)
  await db.owner.query('select erase_user($1)', [ada.email])
})

test('a hold that is being placed when an erasure begins is waited for, and counts', async () => {
  const ada = await signUp(api)
  const court = await db.owner.connect()
  await court.query('begin')
  await court.query(`select gdpr.place_legal_hold($1, 'Case 9 of 2026')`, [ada.email])
  const erased = db.owner.query('select gdpr.erase_account($1)', [ada.id]).then(
    () => 'erased',
    (error: Error) => error.message,
  )
  await expect
    .poll(async () => (await db.superuser.query(`select from pg_locks where not granted`)).rowCount)
    .toBeGreaterThan(0)
  await court.query('commit')
  court.release()
  expect(await erased).toBe('account_on_hold')
  expect((await api.rpc('me', {}, ada.token)).status).toBe(200)
})

test('a hold needs an account and a reason', async () => {
  const { email } = await signUp(api)
  for (const reason of [null, '', '  ', 'x'.repeat(501)]) {
    await expect(
      db.owner.query('select gdpr.place_legal_hold($1, $2)', [email, reason]),
    ).rejects.toMatchObject({ message: 'hold_reason_invalid' })
  }
  await expect(
    db.owner.query(`select gdpr.place_legal_hold('nobody@example.com', 'x')`),
  ).rejects.toMatchObject({ message: 'account_not_found' })
})
