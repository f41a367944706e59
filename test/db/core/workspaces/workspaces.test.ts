/** Workspaces: made, changed, archived, restored, deleted. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { addMember, createOrganization } from '../tenancy/story.ts'
import { addToWorkspace, createWorkspace, must } from './story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

test('whoever makes a workspace is its owner; plain members of the organization do not see it', async () => {
  const acme = await createOrganization(api)
  const member = await addMember(db, api, acme, 'member')
  const args = { organization_id: acme.id, name: 'Research & Söhne', slug: 'research' }
  const { status, body } = await api.rpc('create_workspace', args, acme.owner.token)
  expect(status).toBe(200)
  expect(body).toMatchObject([{ ...args, my_role: 'owner', settings: {}, archived_at: null }])
  expect((await api.get('/workspaces', acme.owner.token)).body).toEqual(body)
  expect((await api.get('/workspace_members', acme.owner.token)).body).toMatchObject([
    { workspace_id: body[0].id, user_id: acme.owner.id, role: 'owner' },
  ])
  for (const view of ['workspaces', 'workspace_members']) {
    expect((await api.get(`/${view}`, member.token)).body).toEqual([])
    expect((await api.get(`/${view}`)).status).toBe(401)
  }
})

test('a slug is unique in its organization and free in the next (workspace_slug_taken)', async () => {
  const [acme, other] = [await createOrganization(api), await createOrganization(api)]
  const make = ({ id, owner }: typeof acme) =>
    api.rpc('create_workspace', { organization_id: id, name: 'Lab', slug: 'lab' }, owner.token)
  const answers = await Promise.all(Array.from({ length: 8 }, () => make(acme)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(answers.filter(({ body }) => body.message === 'workspace_slug_taken')).toHaveLength(7)
  expect((await make(other)).status).toBe(200)
  const second = await createWorkspace(api, acme)
  const answer = await api.rpc('update_workspace', { workspace_id: second.id, slug: 'lab' }, acme.owner.token)
  expect([answer.status, answer.body.message]).toEqual([409, 'workspace_slug_taken'])
})

const REFUSED: [what: Record<string, unknown>, key: string][] = [
  [{ name: '' }, 'workspace_name_invalid'],
  [{ name: 'Lab ' }, 'workspace_name_invalid'],
  [{ name: 'x'.repeat(81) }, 'workspace_name_invalid'],
  [{ slug: 'ab' }, 'workspace_slug_invalid'],
  [{ slug: 'La' }, 'workspace_slug_invalid'],
  [{ slug: 'lab--1' }, 'workspace_slug_invalid'],
  [{ slug: 'lab\n' }, 'workspace_slug_invalid'],
  [{ slug: 'x'.repeat(64) }, 'workspace_slug_invalid'],
]
test.each(REFUSED)('refuses %j (%s)', async (what, key) => {
  const workspace = await createWorkspace(api)
  const { id, owner } = workspace.organization
  const made = await api.rpc(
    'create_workspace',
    { organization_id: id, name: 'Lab', slug: 'lab', ...what },
    owner.token,
  )
  expect([made.status, made.body.message]).toEqual([400, key])
  const changed = await api.rpc('update_workspace', { workspace_id: workspace.id, ...what }, owner.token)
  expect([changed.status, changed.body.message]).toEqual([400, key])
})

test('without name or slug there is no workspace', async () => {
  const { id, owner } = await createOrganization(api)
  const nameless = { organization_id: id, name: null, slug: 'lab' }
  expect((await api.rpc('create_workspace', nameless, owner.token)).body.message).toBe(
    'workspace_name_invalid',
  )
  const slugless = { organization_id: id, name: 'Lab', slug: null }
  expect((await api.rpc('create_workspace', slugless, owner.token)).body.message).toBe(
    'workspace_slug_invalid',
  )
})

describe('settings', () => {
  test('are merged key by key, also when many change at once; null takes a key away', async () => {
    const { id, organization } = await createWorkspace(api)
    const set = (settings: unknown) =>
      must(api, 'update_workspace', { workspace_id: id, settings }, organization.owner)
    await Promise.all(Array.from({ length: 10 }, (_, n) => set({ [`key_${n}`]: { n } })))
    const { settings, name } = await set({ key_0: null, colour: 'red' })
    expect([Object.keys(settings).length, settings.colour, settings.key_3, name]).toEqual([
      10,
      'red',
      { n: 3 },
      'Research',
    ])
  })

  test.each([
    ['a list', []],
    ['a key with capitals', { Colour: 1 }],
    ['more than 16 KiB', { text: 'x'.repeat(16_400) }],
  ])('that are %s are refused (workspace_settings_invalid)', async (_what, settings) => {
    const { id, organization } = await createWorkspace(api)
    const answer = await api.rpc('update_workspace', { workspace_id: id, settings }, organization.owner.token)
    expect([answer.status, answer.body.message]).toEqual([400, 'workspace_settings_invalid'])
  })
})

test('an archived workspace is read and not written, until it is restored (workspace_archived)', async () => {
  const workspace = await createWorkspace(api)
  const { owner } = workspace.organization
  const workspace_id = workspace.id
  const viewer = await addToWorkspace(db, api, workspace, 'viewer')
  const archived = await must(api, 'archive_workspace', { workspace_id }, owner)
  expect(archived.archived_at).not.toBeNull()
  expect((await must(api, 'archive_workspace', { workspace_id }, owner)).archived_at).toBe(
    archived.archived_at,
  )
  expect((await api.get('/workspaces', viewer.token)).body).toMatchObject([{ id: workspace_id }])
  const writes: [string, Record<string, unknown>][] = [
    ['update_workspace', { name: 'Other' }],
    ['add_workspace_member', { user_id: viewer.id }],
    ['change_workspace_member_role', { user_id: viewer.id, role: 'editor' }],
  ]
  for (const [fn, args] of writes) {
    const answer = await api.rpc(fn, { workspace_id, ...args }, owner.token)
    expect([fn, answer.status, answer.body.message]).toEqual([fn, 409, 'workspace_archived'])
  }
  const acting = await db.session({ role: 'howdah_user', claims: { sub: owner.id } }, async (client) => {
    const { rows } = await client.query(`select array(select core.my_workspace_ids()) as readable,
      array(select core.my_workspace_ids_as(array['owner'])) as writable`)
    return rows[0]
  })
  expect(acting).toEqual({ readable: [workspace_id], writable: [] })
  expect((await must(api, 'restore_workspace', { workspace_id }, owner)).archived_at).toBeNull()
  await must(api, 'update_workspace', { workspace_id, name: 'Other' }, owner)
})

test('deleting asks for the password and takes everything with it (password_wrong)', async () => {
  const workspace = await createWorkspace(api)
  const { owner } = workspace.organization
  const viewer = await addToWorkspace(db, api, workspace, 'viewer')
  const args = (password: string) => ({ workspace_id: workspace.id, password })
  const wrong = await api.rpc('delete_workspace', args('wrong wrong wrong'), owner.token)
  expect([wrong.status, wrong.body.message]).toEqual([403, 'password_wrong'])
  const refused = await api.rpc('delete_workspace', args(viewer.password), viewer.token)
  expect([refused.status, refused.body.message]).toEqual([403, 'workspace_role_required'])
  await must(api, 'archive_workspace', { workspace_id: workspace.id }, owner)
  const answer = await api.rpc('delete_workspace', args(owner.password), owner.token)
  expect([answer.status, answer.body]).toEqual([200, { status: 'done' }])
  expect((await api.get('/workspaces', viewer.token)).body).toEqual([])
  const { rows } = await db.owner.query(
    'select count(*)::int as count from core.workspace_members where workspace_id = $1',
    [workspace.id],
  )
  expect(rows[0].count).toBe(0)
})
