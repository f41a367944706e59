/** the key of access tokens is changed under way. Tokens of the old one live on, nobody is signed out. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tellSecret } from '../../../../stack/provision/tell-secret.ts'
import { finishRotation, rotateJwtSecret } from '../../../../stack/rotate-secret.ts'
import { loadSecrets } from '../../../../stack/secrets.ts'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'

const PEOPLE = 20

let db: TestDatabase
let apis: TestApi[]
let dataDir: string
beforeAll(async () => {
  db = await testDatabase()
  apis = [await testApi(db), await testApi(db)]
  dataDir = mkdtempSync(join(tmpdir(), 'howdah-rotate-'))
  loadSecrets({ dataDir, jwtSecret: undefined, encryptionKey: undefined })
})
afterAll(async () => {
  rmSync(dataDir, { recursive: true })
  await db.drop()
})

const first = () => apis[0] as TestApi
const kept = () => loadSecrets({ dataDir, jwtSecret: undefined, encryptionKey: undefined }).jwt_secret
const rotate = () => rotateJwtSecret({ target: db.target, dataDir, apiUrls: apis.map(({ url }) => url) })
const opens = (token: string, secret: string) =>
  jwtVerify(token, new TextEncoder().encode(secret), { audience: 'howdah', issuer: 'howdah' }).then(
    () => true,
    () => false,
  )
/** The statuses that both PostgRESTs give a token. */
const answers = async (token: string) =>
  Promise.all(apis.map(async (api) => (await api.rpc('me', {}, token)).status))
/** A notification reaches a PostgREST a moment later. */
async function eventually(token: string, status: number) {
  for (let n = 0; n < 100; n++) {
    if ((await answers(token)).every((found) => found === status)) return
    await sleep(20)
  }
  expect(await answers(token)).toEqual(apis.map(() => status))
}

/** As if the last of its tokens had just expired. */
const ageOldKey = () =>
  db.owner.query(
    `alter table private.secrets disable trigger _100_touch_updated_at;
     update private.secrets set updated_at = updated_at - interval '15 minutes' where name = 'jwt_secret_previous';
     alter table private.secrets enable trigger _100_touch_updated_at`,
  )

test('the drill: old tokens in the overlap, refreshed ones, none of the old key at the end, nobody signed out', async () => {
  const oldSecret = db.target.secrets.jwt_secret
  const people = await Promise.all(Array.from({ length: PEOPLE }, () => signUp(first())))

  // Requests go on all the while, with old tokens and with new ones.
  let requestCount = 0
  const refused: number[] = []
  let isOver = false
  const traffic = people.slice(0, 4).map(async (person, n) => {
    let { token, refreshToken } = person
    while (!isOver) {
      const [status] = await answers(token)
      requestCount++
      if (status !== 200) refused.push(status ?? 0)
      if (n % 2) {
        const { body } = await first().rpc('refresh_session', { refresh_token: refreshToken })
        token = body.access_token
        refreshToken = body.refresh_token
      }
    }
    person.token = token
    person.refreshToken = refreshToken
  })
  await sleep(100)
  await rotate()
  await sleep(100)
  isOver = true
  await Promise.all(traffic)
  expect(refused).toEqual([])
  expect(requestCount).toBeGreaterThan(20)

  const newSecret = kept()
  expect(newSecret).not.toBe(oldSecret)
  const old = people[4]?.token ?? ''
  expect([await opens(old, oldSecret), await opens(old, newSecret)]).toEqual([true, false])
  expect(await answers(old)).toEqual([200, 200])

  let signedOut = 0
  for (const person of people) {
    const { status, body } = await first().rpc('refresh_session', { refresh_token: person.refreshToken })
    if (status !== 200) signedOut++
    person.token = body.access_token
    person.refreshToken = body.refresh_token
    expect([await opens(person.token, oldSecret), await opens(person.token, newSecret)]).toEqual([
      false,
      true,
    ])
    expect(await answers(person.token)).toEqual([200, 200])
  }
  expect(signedOut).toBe(0)

  await expect(finishRotation(db.target, false)).rejects.toThrow(/secret_still_used/)
  await ageOldKey()
  expect(await finishRotation(db.target, false)).toBe(true)
  expect(await finishRotation(db.target, false)).toBe(false)
  await eventually(old, 401)
  for (const person of people) {
    expect(await answers(person.token)).toEqual([200, 200])
    const { status } = await first().rpc('refresh_session', { refresh_token: person.refreshToken })
    if (status !== 200) signedOut++
  }
  console.log(
    `rotation: ${requestCount} requests meanwhile, 0 refused; ${signedOut} of ${PEOPLE} people signed out`,
  )
  expect(signedOut).toBe(0)
})

test('a PostgREST that starts later knows both keys, whatever its own setting says', async () => {
  const person = await signUp(first())
  await rotate()
  await first().restart()
  expect(await answers(person.token)).toEqual([200, 200])
  expect(await answers((await signUp(first())).token)).toEqual([200, 200])
  expect(await finishRotation(db.target, true)).toBe(true)
  await eventually(person.token, 401)
})

test('the worker ends an old key that nobody ended, and never too early', async () => {
  const person = await signUp(first())
  await rotate()
  const retire = async () =>
    (await db.as('howdah_worker').query('select ops.retire_jwt_secret() as done')).rows[0].done
  expect(await retire()).toBe(false)
  expect(await answers(person.token)).toEqual([200, 200])
  await ageOldKey()
  expect([await retire(), await retire()]).toEqual([true, false])
  await eventually(person.token, 401)
})

test('a changed variable is a rotation too: the next start tells the database', async () => {
  const person = await signUp(first())
  const secret = 'another secret, told from outside, of enough bytes'
  await tellSecret({ ...db.target, secrets: { ...db.target.secrets, jwt_secret: secret } })
  await sleep(300)
  const next = await signUp(first())
  expect(await opens(next.token, secret)).toBe(true)
  expect([await answers(person.token), await answers(next.token)]).toEqual([
    [200, 200],
    [200, 200],
  ])
  expect(await finishRotation(db.target, true)).toBe(true)
})

test('a short secret is refused, and so is signing with one that nobody announced', async () => {
  await expect(db.owner.query(`select ops.announce_jwt_secret('short')`)).rejects.toMatchObject({
    message: 'secret_too_short',
  })
  await expect(db.owner.query('select ops.use_announced_jwt_secret()')).rejects.toMatchObject({
    message: 'secret_not_announced',
  })
  await rotate()
  // One old key is kept; a second change at once would drop it.
  await expect(rotate()).rejects.toThrow(/secret_still_used/)
  expect(await finishRotation(db.target, true)).toBe(true)
})

test('nobody but PostgREST’s login reads a key, and it leaves no trace in the session', async () => {
  const authenticator = db.as('howdah_authenticator')
  const { rows } = await authenticator.query(
    `with told as materialized (select core.postgrest_settings()) select current_setting('pgrst.jwt_secret', true) as keys from told`,
  )
  expect(JSON.parse(rows[0].keys).keys).toHaveLength(1)
  const after = await authenticator.query(`select current_setting('pgrst.jwt_secret', true) as keys`)
  expect(after.rows[0].keys ?? '').toBe('')
  for (const role of [
    'howdah_anon',
    'howdah_user',
    'howdah_admin',
    'howdah_worker',
    'howdah_readonly',
  ] as const) {
    await db.session({ role }, async (client) => {
      await expect(client.query('select core.postgrest_settings()')).rejects.toMatchObject({ code: '42501' })
    })
  }
  const { rows: visible } = await authenticator.query(
    `select 1 from pg_settings where setting like '%' || $1 || '%' union all
     select 1 from pg_db_role_setting where setconfig::text like '%' || $1 || '%'`,
    [kept()],
  )
  expect(visible).toEqual([])
})

test('the file of secrets stays its owner’s', () => {
  const path = join(dataDir, 'secrets.json')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(Object.keys(JSON.parse(readFileSync(path, 'utf8'))).sort()).toContain('jwt_secret')
})
