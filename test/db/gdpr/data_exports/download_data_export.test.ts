/** Who may fetch a copy, how often, and that every other way to it ends alike (G-04): "not found". */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { type Exporting, giveMuch, openExporting } from '../../../worker/support/exporting.ts'
import { believe, makeIssuer, person } from '../../core/identities/issuer.ts'
import { signUpGuarded } from '../../core/second_factor/authenticator.ts'

const NOT_FOUND = 'data_export_not_found'

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

const token = async (someone: Person, id: string) => (await exporting.start(someone, id)).body.token
/** Somebody whose file has three parts. */
async function withThreeParts(): Promise<{ ada: Person; id: string }> {
  const ada = await signUp(api)
  await giveMuch(db, ada, 1800)
  const id = await exporting.ready(ada)
  const { rows } = await db.owner.query('select part_count from gdpr.data_exports where id = $1', [id])
  expect(rows[0].part_count).toBe(3)
  return { ada, id }
}

test('the password is asked for again (password_wrong), and guesses are counted (too_many_attempts)', async () => {
  const ada = await signUp(api)
  const id = await exporting.ready(ada)
  for (const password of ['', 'wrong horse battery', null]) {
    const refused = await exporting.start(ada, id, { password })
    expect([refused.status, refused.body.message]).toEqual([403, 'password_wrong'])
  }
  const started = await exporting.start(ada, id)
  expect(started.status).toBe(200)
  expect(started.body.token).toMatch(/^[A-Za-z0-9_-]{43}$/)
  const ttl = Date.parse(started.body.expires_at) - Date.now()
  expect(Math.round(ttl / 60_000)).toBe(60)
  for (let guess = 0; guess < 8; guess++) await exporting.start(ada, id, { password: 'wrong' })
  expect((await exporting.start(ada, id)).body.message).toBe('too_many_attempts')
})

test('where the second factor is on its code is asked for too (second_factor_wrong)', async () => {
  const ada = await signUpGuarded(api, db)
  const { body } = await api.rpc('sign_in_with_recovery_code', {
    ...(await api.rpc('sign_in', { email: ada.email, password: ada.password })).body,
    recovery_code: ada.recoveryCodes[0],
  })
  const guarded = { ...ada, token: body.access_token ?? ada.token }
  const id = await exporting.ready(guarded)
  for (const code of [undefined, '000000'])
    expect((await exporting.start(guarded, id, { code })).body.message).toBe('second_factor_wrong')
  expect((await exporting.start(guarded, id, { code: ada.recoveryCodes[1] })).status).toBe(200)
})

test('who has no password shows a fresh sign-in of their issuer, once', async () => {
  const issuer = await makeIssuer()
  await believe(db, issuer)
  const fresh = () => issuer.token(person('erin'))
  const { body } = await api.rpc('sign_in_with_identity', { token: await fresh() })
  const erin = {
    id: body.user.id,
    token: body.access_token,
    password: '',
    email: '',
    refreshToken: '',
    user: body.user,
  }
  const id = await exporting.ready(erin)
  expect((await exporting.start(erin, id)).body.message).toBe('password_wrong')
  const password = await fresh()
  expect((await exporting.start(erin, id, { password })).status).toBe(200)
  expect((await exporting.start(erin, id, { password })).body.message).toBe('password_wrong')
  expect(
    (await exporting.start(erin, id, { password: await issuer.token(person('bob')) })).body.message,
  ).toBe('password_wrong')
})

test('part after part, each once, the last one again when it broke; then there is nothing any more', async () => {
  const { ada, id } = await withThreeParts()
  const key = await token(ada, id)
  expect(await exporting.part(ada, key, 1)).toBe(NOT_FOUND)
  const first = await exporting.part(ada, key, 0)
  expect(await exporting.part(ada, key, 0)).toEqual(first)
  expect(await exporting.part(ada, key, 2)).toBe(NOT_FOUND)
  expect(await exporting.part(ada, key, 1)).toHaveLength(1_048_576)
  expect(await exporting.part(ada, key, 0)).toBe(NOT_FOUND)
  for (const odd of [-1, 3, 99, null])
    expect(await exporting.part(ada, key, odd), String(odd)).toBe(NOT_FOUND)
  // The connection broke for good: the password begins anew, and the old token is void.
  const renewed = await token(ada, id)
  expect(await exporting.part(ada, key, 1)).toBe(NOT_FOUND)
  expect(await exporting.part(ada, renewed, 0)).toEqual(first)
  await exporting.part(ada, renewed, 1)
  const last = await exporting.part(ada, renewed, 2)
  expect(await exporting.part(ada, renewed, 2)).toEqual(last)
  expect((await exporting.start(ada, id)).body.message).toBe(NOT_FOUND)
  expect(await exporting.part(ada, renewed, 3)).toHaveLength(0)
  for (const part of [0, 2, 3]) expect(await exporting.part(ada, renewed, part)).toBe(NOT_FOUND)
  const { rows } = await db.owner.query(
    `select state, download_hash, (select count(*)::int from gdpr.data_export_parts where export_id = e.id) as parts
     from gdpr.data_exports as e where id = $1`,
    [id],
  )
  expect(rows).toEqual([{ state: 'downloaded', download_hash: null, parts: 0 }])
})

test('asked for by many at once: a part is not torn, and the order holds', async () => {
  const { ada, id } = await withThreeParts()
  const key = await token(ada, id)
  const answers = await Promise.all([0, 0, 1, 1, 2, 2, 3].map((part) => exporting.part(ada, key, part)))
  expect(answers.filter((answer) => typeof answer === 'string' && answer !== NOT_FOUND)).toEqual([])
  expect(answers.some((answer) => answer instanceof Buffer)).toBe(true)
})

test('somebody else, with their own password and the right token or id', async () => {
  const { ada, id } = await withThreeParts()
  const [bob, chief] = [await signUp(api), await signUp(api)]
  await db.owner.query(`update core.users set role = 'admin' where id = $1`, [chief.id])
  const admin = (await api.rpc('sign_in', { email: chief.email, password: chief.password })).body
  const others = [bob, { ...chief, token: admin.access_token }]
  for (const other of others) {
    expect((await exporting.start(other, id)).body.message).toBe(NOT_FOUND)
    expect((await api.get('/data_exports', other.token)).body).toEqual([])
  }
  const key = await token(ada, id)
  for (const other of others) expect(await exporting.part(other, key, 0)).toBe(NOT_FOUND)
  for (const odd of ['', 'x', `${key}x`, key.slice(1)])
    expect(await exporting.part(ada, odd, 0)).toBe(NOT_FOUND)
  expect((await api.rpc('download_data_export', { token: key, part: 0 })).status).toBe(401)
  expect(await exporting.part(ada, key, 0)).toBeInstanceOf(Buffer)
})

test('expired, signed out, and after an erasure, which leaves nothing of the file', async () => {
  const { ada, id } = await withThreeParts()
  const key = await token(ada, id)
  await setClock(db, '61 minutes')
  const { body } = await api.rpc('sign_in', { email: ada.email, password: ada.password })
  expect(await exporting.part({ token: body.access_token }, key, 0)).toBe(NOT_FOUND)
  await setClock(db, '0')
  const renewed = await token(ada, id)
  await db.owner.query('select erase_user($1)', [ada.email])
  expect(await exporting.part(ada, renewed, 0)).toBe('session_ended')
  const { rows } = await db.owner.query(
    `select (select count(*)::int from gdpr.data_exports where user_id = $1) as exports,
       (select count(*)::int from gdpr.data_export_parts where export_id = $2) as parts`,
    [ada.id, id],
  )
  expect(rows).toEqual([{ exports: 0, parts: 0 }])
  // A job that comes after the erasure finds nothing to do.
  await exporting.make(id)
})

test('no role reads the file in the tables, and people read no hash of a token', async () => {
  const { id } = await withThreeParts()
  for (const role of [
    'howdah_anon',
    'howdah_user',
    'howdah_admin',
    'howdah_worker',
    'howdah_readonly',
  ] as const) {
    const asked = db.as(role).query('select content from gdpr.data_export_parts where export_id = $1', [id])
    await expect(asked, role).rejects.toMatchObject({ code: '42501' })
    await expect(
      db.as(role).query('select download_hash from gdpr.data_exports'),
      role,
    ).rejects.toMatchObject({
      code: '42501',
    })
  }
})
