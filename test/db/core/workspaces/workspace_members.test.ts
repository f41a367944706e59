/** Who may do what in a workspace, and that it always has an owner. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import type { Person } from '../../../setup/story.ts'
import { addMember, createOrganization } from '../tenancy/story.ts'
import { addToWorkspace, createWorkspace, must, type Workspace } from './story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const ownersOf = async ({ id }: Workspace) => {
  const { rows } = await db.owner.query(
    `select user_id from core.workspace_members where workspace_id = $1 and role = 'owner'`,
    [id],
  )
  return rows.map(({ user_id }) => user_id)
}

describe('each role', () => {
  test('does what it may and no more (workspace_role_required, workspace_not_found)', async () => {
    const workspace = await createWorkspace(api)
    const { organization } = workspace
    const target = await addToWorkspace(db, api, workspace, 'viewer')
    const people: Record<string, [Person, expected: number | 'may']> = {
      'owner of the workspace': [await addToWorkspace(db, api, workspace, 'owner'), 'may'],
      editor: [await addToWorkspace(db, api, workspace, 'editor'), 403],
      viewer: [await addToWorkspace(db, api, workspace, 'viewer'), 403],
      'owner of the organization': [organization.owner, 'may'],
      'admin of the organization': [await addMember(db, api, organization, 'admin'), 'may'],
      'member of the organization': [await addMember(db, api, organization, 'member'), 404],
      'billing of the organization': [await addMember(db, api, organization, 'billing'), 404],
      'owner of another organization': [(await createOrganization(api)).owner, 404],
    }
    const calls: [string, Record<string, unknown>][] = [
      ['update_workspace', { name: 'Changed' }],
      ['change_workspace_member_role', { user_id: target.id, role: 'editor' }],
      ['remove_workspace_member', { user_id: target.id }],
      ['add_workspace_member', { user_id: target.id, role: 'viewer' }],
      ['archive_workspace', {}],
      ['restore_workspace', {}],
    ]
    for (const [who, [{ token }, expected]] of Object.entries(people)) {
      for (const [fn, args] of calls) {
        const { status, body } = await api.rpc(fn, { workspace_id: workspace.id, ...args }, token)
        const right = expected === 'may' ? status < 300 : status === expected
        expect(right, `${who}: ${fn} answered ${status} ${JSON.stringify(body)}`).toBe(true)
      }
      const seen = (await api.get(`/workspace_members?workspace_id=eq.${workspace.id}`, token)).body.length
      expect(seen, `${who} sees ${seen} members`).toBe(expected === 404 ? 0 : 5)
      const [shown] = (await api.get(`/workspaces?id=eq.${workspace.id}`, token)).body
      expect(shown?.my_role, who).toBe(expected === 'may' ? 'owner' : expected === 403 ? who : undefined)
    }
  })

  test('only owners and admins of the organization make workspaces (organization_role_required)', async () => {
    const workspace = await createWorkspace(api)
    const organization_id = workspace.organization.id
    const owner = await addToWorkspace(db, api, workspace, 'owner')
    const args = { organization_id, name: 'Lab', slug: 'lab' }
    const answer = await api.rpc('create_workspace', args, owner.token)
    expect([answer.status, answer.body.message]).toEqual([403, 'organization_role_required'])
    const admin = await addMember(db, api, workspace.organization, 'admin')
    await must(api, 'create_workspace', args, admin)
  })
})

test('a member comes in once, from the organization only, with a role there is', async () => {
  const workspace = await createWorkspace(api)
  const { owner } = workspace.organization
  const viewer = await addToWorkspace(db, api, workspace, 'viewer')
  const stranger = (await createOrganization(api)).owner
  const refused: [Record<string, unknown>, number, string][] = [
    [{ user_id: viewer.id }, 409, 'workspace_member_exists'],
    [{ user_id: stranger.id }, 404, 'member_not_found'],
    [{ user_id: null }, 404, 'member_not_found'],
    [{ user_id: viewer.id, role: 'admin' }, 400, 'workspace_role_unknown'],
    [{ user_id: viewer.id, role: null }, 400, 'workspace_role_unknown'],
  ]
  for (const [args, status, key] of refused) {
    const answer = await api.rpc('add_workspace_member', { workspace_id: workspace.id, ...args }, owner.token)
    expect([answer.status, answer.body.message]).toEqual([status, key])
  }
  for (const fn of ['change_workspace_member_role', 'remove_workspace_member']) {
    const args = { workspace_id: workspace.id, user_id: stranger.id }
    for (const role of ['owner', 'viewer']) {
      const answer = await api.rpc(fn, fn.startsWith('change') ? { ...args, role } : args, owner.token)
      expect([answer.status, answer.body.message]).toEqual([404, 'workspace_member_not_found'])
    }
  }
})

describe('the last owner', () => {
  test('cannot leave, be removed or become less (workspace_needs_owner)', async () => {
    const workspace = await createWorkspace(api)
    const { owner } = workspace.organization
    const admin = await addMember(db, api, workspace.organization, 'admin')
    const { id: workspace_id } = workspace
    const calls: [string, Record<string, unknown>, Person][] = [
      ['leave_workspace', { workspace_id }, owner],
      ['remove_workspace_member', { workspace_id, user_id: owner.id }, admin],
      ['change_workspace_member_role', { workspace_id, user_id: owner.id, role: 'viewer' }, admin],
    ]
    for (const [fn, args, { token }] of calls) {
      const answer = await api.rpc(fn, args, token)
      expect([fn, answer.status, answer.body.message]).toEqual([fn, 409, 'workspace_needs_owner'])
    }
    // Whoever is not listed cannot leave, although they run the organization.
    expect((await api.rpc('leave_workspace', { workspace_id }, admin.token)).body.message).toBe(
      'workspace_member_not_found',
    )
    const next = await addToWorkspace(db, api, workspace, 'owner')
    await must(api, 'leave_workspace', { workspace_id }, owner)
    expect(await ownersOf(workspace)).toEqual([next.id])
  })

  type Pair = [Person, Person]
  const GOINGS: Record<string, (id: string, pair: Pair) => [string, Record<string, unknown>, Person][]> = {
    'both leave': (workspace_id, pair) => pair.map((person) => ['leave_workspace', { workspace_id }, person]),
    'each removes the other': (workspace_id, [a, b]) => [
      ['remove_workspace_member', { workspace_id, user_id: b.id }, a],
      ['remove_workspace_member', { workspace_id, user_id: a.id }, b],
    ],
    'each makes the other a viewer': (workspace_id, [a, b]) => [
      ['change_workspace_member_role', { workspace_id, user_id: b.id, role: 'viewer' }, a],
      ['change_workspace_member_role', { workspace_id, user_id: a.id, role: 'viewer' }, b],
    ],
    'one leaves while the other makes themselves an editor': (workspace_id, [a, b]) => [
      ['leave_workspace', { workspace_id }, a],
      ['change_workspace_member_role', { workspace_id, user_id: b.id, role: 'editor' }, b],
    ],
  }
  test.each(Object.entries(GOINGS))('of two at once, one stays: %s (20 rounds)', async (_what, goings) => {
    const first = await createWorkspace(api)
    const pair: Pair = [
      await addToWorkspace(db, api, first, 'owner'),
      await addToWorkspace(db, api, first, 'owner'),
    ]
    for (let round = 0; round < 20; round++) {
      const workspace = await createWorkspace(api, first.organization)
      for (const { id } of pair) {
        const args = { workspace_id: workspace.id, user_id: id, role: 'owner' }
        await must(api, 'add_workspace_member', args, first.organization.owner)
      }
      await must(api, 'leave_workspace', { workspace_id: workspace.id }, first.organization.owner)
      const answers = await Promise.all(
        goings(workspace.id, pair).map(([fn, args, { token }]) => api.rpc(fn, args, token)),
      )
      expect(answers.filter(({ status }) => status < 300)).toHaveLength(1)
      expect(await ownersOf(workspace)).toHaveLength(1)
    }
  })
})
