/** links work once, for a documented time, and a newer one voids the older. */
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

async function issue(purpose: string, person: Person): Promise<string> {
  const { rows } = await db.owner.query('select private.issue_one_time_token($1, $2, null, $3) as token', [
    purpose,
    person.id,
    person.email,
  ])
  return rows[0].token
}
const reset = (token: string) => api.rpc('reset_password', { token, new_password: 'an entirely new one' })
const verify = (token: string) => api.rpc('verify_email', { token })

test('one of twenty simultaneous redemptions succeeds (link_invalid)', async () => {
  const person = await signUp(api)
  for (const [purpose, redeem] of [
    ['reset_password', reset],
    ['verify_email', verify],
  ] as const) {
    const token = await issue(purpose, person)
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(token)))
    const good = answers.filter(({ status }) => status < 300)
    expect([purpose, good.length]).toEqual([purpose, 1])
    const refused = answers.filter(({ body }) => body.message === 'link_invalid')
    expect(refused).toHaveLength(19)
  }
})

test('twenty issued at once leave one that works', async () => {
  const person = await signUp(api)
  const tokens = await Promise.all(Array.from({ length: 20 }, () => issue('reset_password', person)))
  const { rows } = await db.owner.query(
    `select count(*)::int as living from private.one_time_tokens where user_id = $1 and used_at is null`,
    [person.id],
  )
  expect(rows).toEqual([{ living: 1 }])
  const answers = []
  for (const token of tokens) answers.push(await reset(token))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
})

test('a token serves its own purpose only, and is bound to the address it was mailed to', async () => {
  const person = await signUp(api)
  expect((await reset(await issue('verify_email', person))).body.message).toBe('link_invalid')
  expect((await verify(await issue('reset_password', person))).body.message).toBe('link_invalid')
  const token = await issue('reset_password', person)
  await db.owner.query(`update core.users set email = 'moved-' || email where id = $1`, [person.id])
  expect((await reset(token)).body.message).toBe('link_invalid')
})

test.each(['', 'x', null, 'ä'.repeat(43), 'A'.repeat(43), 'A'.repeat(100_000)])(
  'is not fooled by %.10j (link_invalid)',
  async (token) => {
    const answer = await api.rpc('reset_password', { token, new_password: 'an entirely new one' })
    expect([answer.status, answer.body.message]).toEqual([400, 'link_invalid'])
  },
)

test('a password that will not do does not cost the link (password_too_short)', async () => {
  const token = await issue('reset_password', await signUp(api))
  const short = await api.rpc('reset_password', { token, new_password: 'short' })
  expect(short.body.message).toBe('password_too_short')
  expect((await reset(token)).status).toBe(200)
})

test('the database keeps the SHA-256 of 256 random bits', async () => {
  const token = await issue('reset_password', await signUp(api))
  expect(Buffer.from(token, 'base64url')).toHaveLength(32)
  const { rows } = await db.owner.query(
    `select purpose from private.one_time_tokens where token_hash = sha256($1)`,
    [Buffer.from(token, 'base64url')],
  )
  expect(rows).toEqual([{ purpose: 'reset_password' }])
})

test('reset lives 10 minutes, verification 24 hours, to the second', async () => {
  const [one, two, three, four] = [await signUp(api), await signUp(api), await signUp(api), await signUp(api)]
  const resets = [await issue('reset_password', one), await issue('reset_password', two)]
  const verifications = [await issue('verify_email', three), await issue('verify_email', four)]
  await setClock(db, '9 minutes 30 seconds')
  expect((await reset(resets[0] ?? '')).status).toBe(200)
  await setClock(db, '10 minutes')
  expect((await reset(resets[1] ?? '')).body.message).toBe('link_invalid')
  await setClock(db, '23 hours 59 minutes 30 seconds')
  expect((await verify(verifications[0] ?? '')).status).toBe(204)
  await setClock(db, '24 hours')
  expect((await verify(verifications[1] ?? '')).body.message).toBe('link_invalid')
  await setClock(db, '0')
})
