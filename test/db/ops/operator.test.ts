/** What an operator types: acting as a user, settings, clean-up, migrations. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../setup/api.ts'
import { setClock } from '../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { signUp } from '../../setup/story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

test('act_as shows exactly what the user sees, until reset role', async () => {
  const ada = await signUp(api)
  await signUp(api)
  const client = await db.owner.connect()
  try {
    await client.query('select act_as($1)', [ada.email.toUpperCase()])
    expect((await client.query('select id from api.users')).rows).toEqual([{ id: ada.id }])
    await expect(client.query('select password_hash from private.passwords')).rejects.toMatchObject({
      code: '42501',
    })
    await client.query('reset role')
    expect((await client.query('select id from core.users')).rowCount).toBeGreaterThan(1)
    await expect(client.query(`select act_as('nobody@example.com')`)).rejects.toMatchObject({
      code: 'PT404',
      message: 'account_not_found',
    })
  } finally {
    client.release(true)
  }
})

test('set_setting refuses unknown names and values of the wrong kind', async () => {
  await expect(db.owner.query(`select set_setting('nope', '1')`)).rejects.toMatchObject({
    message: 'setting_unknown',
  })
  for (const value of ['3', '16', '"11"', 'null', '11.5']) {
    await expect(
      db.owner.query(`select set_setting('password_hash_cost', $1)`, [value]),
    ).rejects.toMatchObject({
      message: 'setting_invalid',
    })
  }
})

test('cleanup_expired_sessions deletes what ended a month ago and nothing else', async () => {
  const gone = await signUp(api)
  await api.rpc('sign_out', {}, gone.token)
  const kept = await signUp(api)
  expect((await db.owner.query('select cleanup_expired_sessions() as n')).rows[0].n).toBe(0)
  await setClock(db, '31 days')
  await db.owner.query(
    `update core.sessions set expires_at = core.now() + interval '1 day' where user_id = $1`,
    [kept.id],
  )
  await db.owner.query('select cleanup_expired_sessions()')
  const { rows } = await db.owner.query(
    'select distinct user_id from core.sessions where user_id = any ($1)',
    [[gone.id, kept.id]],
  )
  expect(rows).toEqual([{ user_id: kept.id }])
  await setClock(db, '0')
})
