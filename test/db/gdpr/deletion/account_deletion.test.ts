/** Who may ask for the end of an account, what stands in the way, and what a hold does to the wish. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { believe, person as identity, makeIssuer } from '../../core/identities/issuer.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  await db.owner.query(`select ops.set_setting('account_deletion_grace_days', '0')`)
})
afterAll(() => db.drop())

const ask = ({ token, password }: Person, given = password) =>
  api.rpc('request_account_deletion', { password: given }, token)
const requestOf = async ({ id }: Person) => {
  const { rows } = await db.owner.query(
    `select id, state, problem, held_at is not null as held from gdpr.deletion_requests
     where user_id = $1 order by requested_at desc limit 1`,
    [id],
  )
  return rows[0]
}
const begin = async (person: Person) => {
  const { id } = await requestOf(person)
  const { rows } = await db.as('howdah_worker').query('select gdpr.begin_deletion($1) as erasure', [id])
  return rows[0].erasure
}
const mailsTo = async ({ id }: Person) => {
  const { rows } = await db.owner.query('select kind from core.mails where user_id = $1 order by id', [id])
  return rows.map(({ kind }) => kind)
}

test('a wrong password, and none (A-19): refused, and nothing begins', async () => {
  const ada = await signUp(api)
  expect((await ask(ada, 'wrong horse battery')).body).toMatchObject({ message: 'password_wrong' })
  expect((await api.rpc('request_account_deletion', { password: ada.password })).status).toBe(401)
  expect(await requestOf(ada)).toBeUndefined()
})

test('without a password: a fresh id_token, once', async () => {
  const issuer = await makeIssuer()
  await believe(db, issuer)
  const signedIn = await api.rpc('sign_in_with_identity', {
    token: await issuer.token({
      ...identity('leaver-there'),
      email: 'leaver@example.com',
      email_verified: true,
    }),
  })
  expect(signedIn.status).toBe(200)
  const token = await issuer.token({
    ...identity('leaver-there'),
    email: 'leaver@example.com',
    email_verified: true,
  })
  const asked = await api.rpc('request_account_deletion', { password: token }, signedIn.body.access_token)
  expect(asked.body).toMatchObject({ status: 'deletion_waiting' })
  const again = await api.rpc('request_account_deletion', { password: token }, signedIn.body.access_token)
  expect(again.body).toMatchObject({ message: 'password_wrong' })
})

test('the only owner of organizations is told which; handed over, it goes (account_needed)', async () => {
  const ada = await signUp(api)
  const bob = await signUp(api)
  const made = await api.rpc('create_organization', { name: 'Acme & Sons', slug: 'acme-sons' }, ada.token)
  await api.rpc('create_organization', { name: 'Second', slug: 'second-one' }, ada.token)
  const refused = await ask(ada)
  expect(refused.status).toBe(409)
  expect(refused.body).toMatchObject({
    message: 'account_needed',
    details:
      '"Acme & Sons" (acme-sons) needs another owner, or to be deleted; "Second" (second-one) needs another owner, or to be deleted.',
  })
  const organization_id = made.body[0].id
  await db.owner.query(
    `insert into core.organization_members (organization_id, user_id, role) values ($1, $2, 'owner')`,
    [organization_id, bob.id],
  )
  await db.owner.query(`delete from core.organizations where slug = 'second-one'`)
  expect((await ask(ada)).status).toBe(200)
  // From now on she does not count as one who can act: he cannot leave her alone with it.
  const leaving = await ask(bob)
  expect(leaving.body).toMatchObject({ message: 'account_needed' })
  expect(await begin(ada)).toMatch(/^[0-9a-f-]{36}$/)
})

test('while it waits: reading writes nothing in any guise, and a consent can be withdrawn', async () => {
  await db.owner.query(`select gdpr.declare_consent_purpose('tea', 1, '{"en": "Letters?"}')`)
  const ada = await signUp(api)
  await api.rpc('give_consent', { purpose: 'tea', version: 1 }, ada.token)
  expect((await ask(ada)).status).toBe(200)
  const reading = [
    '/rpc/follow_topic?topic=space',
    '/rpc/update_profile?display_name=Late',
    '/rpc/create_organization?name=Late&slug=late-one',
    '/rpc/give_consent?purpose=tea&version=1',
  ]
  for (const path of reading) expect((await api.get(path, ada.token)).status, path).toBeGreaterThan(399)
  for (const name of ['cancel_account_deletion/', 'Me', 'me/../follow_topic', 'follow_topic'])
    expect([403, 404], name).toContain((await api.rpc(name, { topic: 'space' }, ada.token)).status)
  const withdrawn = await api.rpc('withdraw_consent', { purpose: 'tea' }, ada.token)
  expect(withdrawn.body).toMatchObject([{ is_given: false }])
})

test('those that cannot go hold up nobody behind them', async () => {
  const [kept, free] = [await signUp(api), await signUp(api)]
  await db.owner.query(`select gdpr.place_legal_hold($1, 'Case 8')`, [kept.email])
  for (const person of [kept, free]) await ask(person)
  expect(await begin(kept)).toBeNull()
  await db.owner.query(
    `update gdpr.deletion_requests set erase_at = now() + interval '1 day' where user_id <> all ($1) and finished_at is null`,
    [[kept.id, free.id]],
  )
  await db.as('howdah_worker').query('select gdpr.enqueue_due_deletions(1)')
  const jobs = await db.superuser.query('select key from graphile_worker._private_jobs where key like $1', [
    'gdpr/erase_account:%',
  ])
  expect(jobs.rows).toEqual([{ key: `gdpr/erase_account:${(await requestOf(free)).id}` }])
})

test('two owners who want to go at the same moment: one of them stays', async () => {
  const [ada, bob] = [await signUp(api), await signUp(api)]
  const made = await api.rpc('create_organization', { name: 'Pair', slug: 'pair-of-two' }, ada.token)
  await db.owner.query(
    `insert into core.organization_members (organization_id, user_id, role) values ($1, $2, 'owner')`,
    [made.body[0].id, bob.id],
  )
  const answers = await Promise.all([ask(ada), ask(bob)])
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
})

test('a legal hold: taken, told, kept; released, gone', async () => {
  const ada = await signUp(api)
  await db.owner.query(`select gdpr.place_legal_hold($1, 'Case 7')`, [ada.email])
  expect((await ask(ada)).body).toMatchObject({ status: 'deletion_waiting' })
  for (let turn = 0; turn < 3; turn++) expect(await begin(ada)).toBeNull()
  expect(await requestOf(ada)).toMatchObject({ state: 'held', held: true })
  expect(await mailsTo(ada)).toEqual(['deletion_requested', 'deletion_held'])
  const seen = await api.get('/account_deletion?select=state', ada.token)
  expect(seen.body).toEqual([{ state: 'held' }])
  const register = await db.owner.query(`select outcome from gdpr.subject_requests where user_id = $1`, [
    ada.id,
  ])
  expect(register.rows).toEqual([{ outcome: 'refused' }])
  await db.owner.query(`select gdpr.release_legal_hold($1)`, [ada.email])
  expect(await begin(ada)).not.toBeNull()
  expect((await api.rpc('me', {}, ada.token)).status).toBe(401)
})

test('begun, there is no way back (erasure_under_way)', async () => {
  const ada = await signUp(api)
  await ask(ada)
  await begin(ada)
  await expect(db.owner.query('select gdpr.restore_user($1)', [ada.email])).rejects.toMatchObject({
    message: 'erasure_under_way',
  })
})

test('nobody sees, or takes back, what another asked for', async () => {
  const [ada, bob] = [await signUp(api), await signUp(api)]
  await ask(ada)
  expect((await api.get('/account_deletion', bob.token)).body).toEqual([])
  expect((await api.rpc('cancel_account_deletion', {}, bob.token)).body).toMatchObject({
    message: 'deletion_not_requested',
  })
  expect(await requestOf(ada)).toMatchObject({ state: 'waiting' })
})
