/** "Was that you?": a mail for a device that was never seen, none for one that was. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

async function confirmed(): Promise<Person> {
  const person = await signUp(api)
  await db.owner.query('update core.users set email_verified_at = now() where id = $1', [person.id])
  return person
}
const signIn = ({ email, password }: Person, device = {}, userAgent = 'node') =>
  api.request('POST', '/rpc/sign_in', {
    body: { email, password, ...device },
    headers: { 'user-agent': userAgent },
  })
async function notices({ id }: Person): Promise<number> {
  const { rows } = await db.owner.query(
    `select count(*)::int as count from core.mails where user_id = $1 and kind = 'new_device'`,
    [id],
  )
  return rows[0].count
}

test('a device with a fingerprint is known by it', async () => {
  const person = await confirmed()
  const phone = { device_fingerprint: 'phone-of-ada', device_name: 'Phone' }
  await signIn(person, phone)
  expect(await notices(person)).toBe(1)
  await signIn(person, phone, 'another program')
  expect(await notices(person)).toBe(1)
})

test('one without is known by its program', async () => {
  const person = await confirmed()
  await signIn(person)
  expect(await notices(person)).toBe(0)
  await signIn(person, {}, 'Mozilla/5.0 (a browser)')
  expect(await notices(person)).toBe(1)
  await signIn(person, {}, 'Mozilla/5.0 (a browser)')
  expect(await notices(person)).toBe(1)
})

test('an address nobody has confirmed gets none, and the mail names its session', async () => {
  const stranger = await signUp(api)
  await signIn(stranger, {}, 'curl/8')
  expect(await notices(stranger)).toBe(0)
  const person = await confirmed()
  await signIn(person, { device_fingerprint: 'tablet-of-ada', device_name: 'Tablet' })
  const { rows } = await db
    .as('howdah_worker')
    .query(`select core.begin_mail($1) as mail`, [
      (await db.owner.query(`select id from core.mails where user_id = $1`, [person.id])).rows[0].id,
    ])
  expect(rows[0].mail).toMatchObject({ kind: 'new_device', token: null, device: { name: 'Tablet' } })
})
