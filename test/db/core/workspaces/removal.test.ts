/** whoever is out is out at the next request, whatever their living token says. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import type { Person } from '../../../setup/story.ts'
import { addToWorkspace, createTeam, createWorkspace, must } from './story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const VIEWS = ['teams', 'team_members', 'workspaces', 'workspace_members'] as const

const seenBy = async ({ token }: Person) =>
  Object.fromEntries(
    await Promise.all(
      VIEWS.map(async (view) => [view, (await api.get(`/${view}`, token)).body.length] as const),
    ),
  )

test('out of the workspace: nothing of it is read or written at the next request', async () => {
  const workspace = await createWorkspace(api)
  const { id: workspace_id, organization } = workspace
  const person = await addToWorkspace(db, api, workspace, 'owner')
  expect(await seenBy(person)).toMatchObject({ workspaces: 1, workspace_members: 2 })
  await must(api, 'update_workspace', { workspace_id, name: 'Mine' }, person)
  await must(api, 'remove_workspace_member', { workspace_id, user_id: person.id }, organization.owner)
  const late = await api.rpc('update_workspace', { workspace_id, name: 'Still mine' }, person.token)
  expect([late.status, late.body.message]).toEqual([404, 'workspace_not_found'])
  expect(await seenBy(person)).toMatchObject({ workspaces: 0, workspace_members: 0 })
})

test('fewer rights in the workspace: the next write is refused', async () => {
  const workspace = await createWorkspace(api)
  const { id: workspace_id, organization } = workspace
  const person = await addToWorkspace(db, api, workspace, 'owner')
  await must(
    api,
    'change_workspace_member_role',
    { workspace_id, user_id: person.id, role: 'viewer' },
    organization.owner,
  )
  const late = await api.rpc('update_workspace', { workspace_id, name: 'Still mine' }, person.token)
  expect([late.status, late.body.message]).toEqual([403, 'workspace_role_required'])
})

test('out of the organization: teams and workspaces go with it, in one statement', async () => {
  const workspace = await createWorkspace(api)
  const { id: workspace_id, organization } = workspace
  const person = await addToWorkspace(db, api, workspace, 'owner')
  const team = await createTeam(api, organization)
  await must(
    api,
    'add_team_member',
    { team_id: team.id, user_id: person.id, role: 'lead' },
    organization.owner,
  )
  expect(await seenBy(person)).toEqual({ teams: 1, team_members: 1, workspaces: 1, workspace_members: 2 })
  await db.owner.query('delete from core.organization_members where organization_id = $1 and user_id = $2', [
    organization.id,
    person.id,
  ])
  expect(await seenBy(person)).toEqual({ teams: 0, team_members: 0, workspaces: 0, workspace_members: 0 })
  const late = await api.rpc('update_workspace', { workspace_id, name: 'Still mine' }, person.token)
  expect([late.status, late.body.message]).toEqual([404, 'workspace_not_found'])
  const { rows } = await db.owner.query(
    `select (select count(*)::int from core.workspace_members where user_id = $1) as workspaces,
      (select count(*)::int from core.team_members where user_id = $1) as teams`,
    [person.id],
  )
  expect(rows).toEqual([{ workspaces: 0, teams: 0 }])
  // Without its only other owner the workspace is still in somebody's hands.
  await must(
    api,
    'remove_workspace_member',
    { workspace_id, user_id: organization.owner.id },
    organization.owner,
  ).then(
    () => expect.unreachable('the last owner went'),
    (error) => expect(String(error)).toContain('workspace_needs_owner'),
  )
})

test('a workspace whose owners all left the organization is run by the organization’s own', async () => {
  const workspace = await createWorkspace(api)
  const { id: workspace_id, organization } = workspace
  const person = await addToWorkspace(db, api, workspace, 'owner')
  await must(api, 'leave_workspace', { workspace_id }, organization.owner)
  const heir = await addToWorkspace(db, api, workspace, 'viewer')
  await db.owner.query('delete from core.organization_members where user_id = $1', [person.id])
  const args = { workspace_id, user_id: heir.id, role: 'owner' }
  expect(await must(api, 'change_workspace_member_role', args, organization.owner)).toMatchObject({
    role: 'owner',
  })
})
