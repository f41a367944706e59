/** Making an organization, and who sees it: its members, and nobody else. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'
import { addMember, createOrganization } from './story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

test('whoever makes an organization is its owner and sees it', async () => {
  const ada = await signUp(api)
  const answer = await api.rpc('create_organization', { name: 'Acme & Söhne', slug: 'acme' }, ada.token)
  expect(answer.status).toBe(200)
  expect(answer.body).toMatchObject([
    {
      name: 'Acme & Söhne',
      slug: 'acme',
      my_role: 'owner',
      created_by: ada.id,
      settings: {},
      branding: {},
    },
  ])
  expect((await api.get('/organizations', ada.token)).body).toEqual(answer.body)
  expect((await api.get('/organization_members', ada.token)).body).toMatchObject([
    { organization_id: answer.body[0].id, user_id: ada.id, role: 'owner', email: ada.email },
  ])
})

test('nobody else sees it, an admin of the instance neither', async () => {
  const acme = await createOrganization(api)
  const [stranger, chief] = [await signUp(api), await signUp(api)]
  await db.owner.query(`select ops.set_role($1, 'admin')`, [chief.email])
  const chiefToken = (await api.rpc('sign_in', { email: chief.email, password: chief.password })).body
    .access_token
  for (const token of [stranger.token, chiefToken]) {
    expect((await api.get('/organizations', token)).body).toEqual([])
    expect((await api.get(`/organization_members?organization_id=eq.${acme.id}`, token)).body).toEqual([])
  }
  for (const path of ['/organizations', '/organization_members']) {
    expect((await api.get(path)).status).toBe(401)
  }
})

test('members see each other’s names, and addresses only when they run the organization', async () => {
  const acme = await createOrganization(api)
  const other = await createOrganization(api)
  const admin = await addMember(db, api, acme, 'admin', await signUp(api, { display_name: 'Adam' }))
  const member = await addMember(db, api, acme, 'member', await signUp(api, { display_name: 'Mel' }))
  const billing = await addMember(db, api, acme, 'billing')
  await addMember(db, api, other, 'owner', member)
  const seen = async (token: string) =>
    Object.fromEntries(
      (await api.get(`/organization_members?organization_id=eq.${acme.id}`, token)).body.map(
        (row: { user_id: string; display_name: string; email: string }) => [
          row.user_id,
          [row.display_name, row.email],
        ],
      ),
    )
  expect((await seen(admin.token))[member.id]).toEqual(['Mel', member.email])
  expect((await seen(acme.owner.token))[admin.id]).toEqual(['Adam', admin.email])
  // Owning another organization opens nothing in this one.
  for (const person of [member, billing]) {
    const rows = await seen(person.token)
    expect(Object.keys(rows)).toHaveLength(4)
    expect(rows[admin.id]).toEqual(['Adam', null])
    expect(rows[person.id]?.[1]).toBe(person.email)
  }
  expect((await api.get('/users', member.token)).body).toHaveLength(1)
})

test('someone removed is out at the next request, with the token they still hold', async () => {
  const acme = await createOrganization(api)
  const member = await addMember(db, api, acme, 'member')
  expect((await api.get('/organizations', member.token)).body).toHaveLength(1)
  await db.owner.query('delete from core.organization_members where user_id = $1', [member.id])
  expect((await api.get('/organizations', member.token)).body).toEqual([])
  expect((await api.get('/organization_members', member.token)).body).toEqual([])
})

const REFUSED: [name: unknown, slug: unknown, key: string][] = [
  ['', 'acme-1', 'organization_name_invalid'],
  [null, 'acme-1', 'organization_name_invalid'],
  [' Acme', 'acme-1', 'organization_name_invalid'],
  ['Ac\nme', 'acme-1', 'organization_name_invalid'],
  ['x'.repeat(121), 'acme-1', 'organization_name_invalid'],
  ['Acme', null, 'organization_slug_invalid'],
  ['Acme', 'ab', 'organization_slug_invalid'],
  ['Acme', 'Acme', 'organization_slug_invalid'],
  ['Acme', 'ac--me', 'organization_slug_invalid'],
  ['Acme', '-acme', 'organization_slug_invalid'],
  ['Acme', 'аcme', 'organization_slug_invalid'],
  ['Acme', 'acme\n', 'organization_slug_invalid'],
  ['Acme', 'x'.repeat(64), 'organization_slug_invalid'],
  ['Acme', 'www', 'organization_slug_taken'],
]
test.each(REFUSED)('refuses the name %j with the slug %j (%s)', async (name, slug, key) => {
  const ada = await signUp(api)
  const answer = await api.rpc('create_organization', { name, slug }, ada.token)
  expect(answer.body.message).toBe(key)
  expect((await api.get('/organizations', ada.token)).body).toEqual([])
})

test('of many who want one slug at once, one gets it (organization_slug_taken)', async () => {
  const people = await Promise.all(Array.from({ length: 8 }, () => signUp(api)))
  const answers = await Promise.all(
    people.map(({ token }) => api.rpc('create_organization', { name: 'Acme', slug: 'wanted' }, token)),
  )
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(answers.filter(({ body }) => body.message === 'organization_slug_taken')).toHaveLength(7)
})

test('nobody collects slugs: an account owns at most 50 (too_many_organizations)', async () => {
  const ada = await signUp(api)
  const { id } = await createOrganization(api, ada)
  await db.owner.query(
    `with made as (insert into core.organizations (name, slug) select 'Acme', 'many-' || n from generate_series(2, 49) n returning id)
    insert into core.organization_members (organization_id, user_id, role) select id, $1, 'owner' from made`,
    [ada.id],
  )
  const answers = await Promise.all(
    [1, 2, 3, 4].map((n) =>
      api.rpc('create_organization', { name: 'Acme', slug: `many-more-${n}` }, ada.token),
    ),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409])
  expect(id).toBeDefined()
})

test('a role in the organization is asked for (organization_not_found, organization_role_required)', async () => {
  const acme = await createOrganization(api)
  const member = await addMember(db, api, acme, 'member')
  const stranger = await signUp(api)
  const ask = (sub: string, id: string) =>
    db.session({ role: 'howdah_user', claims: { sub } }, (client) =>
      client.query(`select core.require_organization_role($1, '{owner,admin}') as role`, [id]),
    )
  expect((await ask(acme.owner.id, acme.id)).rows).toEqual([{ role: 'owner' }])
  await expect(ask(member.id, acme.id)).rejects.toThrow('organization_role_required')
  const foreign = await ask(stranger.id, acme.id).catch((error: unknown) => error)
  const missing = '0198c0de-0000-7000-8000-00000000000a'
  const none = await ask(stranger.id, missing).catch((error: unknown) => error)
  expect(foreign).toMatchObject({ message: 'organization_not_found', code: 'PT404' })
  const { detail, hint, message, code } = none as Record<string, string>
  expect({ detail: detail?.replace(missing, acme.id), hint, message, code }).toEqual({
    detail: (foreign as Record<string, string>)['detail'],
    hint: (foreign as Record<string, string>)['hint'],
    message: 'organization_not_found',
    code: 'PT404',
  })
})
