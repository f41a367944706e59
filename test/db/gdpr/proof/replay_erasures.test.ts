/** G-09 in SQL: who was erased and lives again is erased again, whatever the restored data say against it. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { addMember, createOrganization } from '../../core/tenancy/story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const lineFor = (userId: string) => ({
  erasure: randomUUID(),
  user_id: userId,
  erased_at: '2026-01-02T03:04:05Z',
})
const replay = async (...lines: object[]) =>
  (await db.owner.query('select * from gdpr.replay_erasures($1)', [JSON.stringify(lines)])).rows
const traces = async (person: Person) =>
  (await db.owner.query('select relation from gdpr.find_traces($1)', [[person.email]])).rows

test('alive again: erased again, under the same number, and proven anew; a second replay finds nothing to do', async () => {
  const ada = await signUp(api)
  const line = lineFor(ada.id)
  expect(await replay(line)).toEqual([{ erasure_id: line.erasure, outcome: 'erased' }])
  expect(await traces(ada)).toEqual([])
  expect((await api.rpc('sign_in', { email: ada.email, password: ada.password })).status).toBe(401)
  const { rows } = await db.owner.query(
    'select user_id, erased_at, state from gdpr.erasure_ledger where id = $1',
    [line.erasure],
  )
  expect(rows).toEqual([{ user_id: ada.id, erased_at: new Date(line.erased_at), state: 'erased' }])
  const { rowCount } = await db.superuser.query('select from graphile_worker._private_jobs where key = $1', [
    `gdpr/prove_erasure:${line.erasure}`,
  ])
  expect(rowCount).toBe(1)
  expect(await replay(line)).toEqual([])
})

test('a backup from before they came knows nobody to erase, and learns that they were', async () => {
  const line = lineFor(randomUUID())
  expect(await replay(line)).toEqual([{ erasure_id: line.erasure, outcome: 'not there' }])
  expect(await replay(line)).toEqual([])
})

test('a hold in the restored data is older than the erasure, and ends', async () => {
  const ada = await signUp(api)
  await db.owner.query(`select gdpr.place_legal_hold($1, 'file 7')`, [ada.email])
  await expect(db.owner.query('select gdpr.erase_account($1)', [ada.id])).rejects.toMatchObject({
    message: 'account_on_hold',
  })
  expect((await replay(lineFor(ada.id)))[0].outcome).toBe('erased')
  expect(await traces(ada)).toEqual([])
})

test('the last owner goes: an admin takes over, an organization of nobody else goes along', async () => {
  const owner = await signUp(api)
  const organization = await createOrganization(api, owner)
  const alone = await createOrganization(api, owner)
  const member = await addMember(db, api, organization, 'member')
  const admin = await addMember(db, api, organization, 'admin')
  await expect(db.owner.query('select gdpr.erase_account($1)', [owner.id])).rejects.toMatchObject({
    message: 'organization_needs_owner',
  })
  expect((await replay(lineFor(owner.id)))[0].outcome).toBe('erased')
  const { rows } = await db.owner.query(
    'select user_id, role from core.organization_members where organization_id = $1',
    [organization.id],
  )
  expect(rows).toContainEqual({ user_id: admin.id, role: 'owner' })
  expect(rows).toContainEqual({ user_id: member.id, role: 'member' })
  expect((await db.owner.query('select from core.organizations where id = $1', [alone.id])).rowCount).toBe(0)
})

test('an owner who waits for their own erasure takes nothing over, and holds nothing up', async () => {
  const owner = await signUp(api)
  const organization = await createOrganization(api, owner)
  const alone = await createOrganization(api, owner)
  const leaving = await addMember(db, api, organization, 'owner')
  await addMember(db, api, alone, 'member', leaving)
  const admin = await addMember(db, api, organization, 'admin')
  const { password, token } = leaving
  expect((await api.rpc('request_account_deletion', { password }, token)).status).toBe(200)
  expect((await replay(lineFor(owner.id)))[0].outcome).toBe('erased')
  const { rows } = await db.owner.query(
    'select user_id from core.organization_members where organization_id = $1 and role = $2 order by created_at',
    [organization.id, 'owner'],
  )
  expect(rows).toEqual([{ user_id: leaving.id }, { user_id: admin.id }])
  expect((await db.owner.query('select from core.organizations where id = $1', [alone.id])).rowCount).toBe(0)
})

test('an organization with another owner stays as it is', async () => {
  const founder = await createOrganization(api)
  expect(founder).toBeDefined()
  const before = await db.owner.query('select count(*) as count from core.organizations')
  expect((await replay(lineFor((await signUp(api)).id)))[0].outcome).toBe('erased')
  expect((await db.owner.query('select count(*) as count from core.organizations')).rows).toEqual(before.rows)
})
