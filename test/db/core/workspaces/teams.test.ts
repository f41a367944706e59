/** Teams: who makes them, who is in them, and who sees that. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'
import { addMember, createOrganization } from '../tenancy/story.ts'
import { createTeam, must } from './story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

test('a team is made, renamed and deleted; every member of the organization sees it, nobody else', async () => {
  const acme = await createOrganization(api)
  const member = await addMember(db, api, acme, 'member')
  const stranger = await signUp(api)
  const made = await api.rpc('create_team', { organization_id: acme.id, name: 'Möbel 🪑' }, acme.owner.token)
  expect(made.status).toBe(200)
  expect(made.body).toMatchObject([{ organization_id: acme.id, name: 'Möbel 🪑' }])
  const { id } = made.body[0]
  expect((await api.get(`/teams?id=eq.${id}`, member.token)).body).toEqual(made.body)
  expect((await api.get(`/teams?id=eq.${id}`, stranger.token)).body).toEqual([])
  expect((await api.get('/teams')).status).toBe(401)
  expect((await must(api, 'update_team', { team_id: id, name: 'Chairs' }, acme.owner)).name).toBe('Chairs')
  await must(api, 'delete_team', { team_id: id }, acme.owner)
  expect((await api.get(`/teams?id=eq.${id}`, member.token)).body).toEqual([])
})

test('a name is unique in its organization, whatever its capitals, and free in the next (team_name_taken)', async () => {
  const team = await createTeam(api)
  const { organization } = team
  const taken = { organization_id: organization.id, name: team.name.toUpperCase() }
  const answer = await api.rpc('create_team', taken, organization.owner.token)
  expect([answer.status, answer.body.message]).toEqual([409, 'team_name_taken'])
  const second = await createTeam(api, organization)
  const renamed = await api.rpc(
    'update_team',
    { team_id: second.id, name: team.name },
    organization.owner.token,
  )
  expect([renamed.status, renamed.body.message]).toEqual([409, 'team_name_taken'])
  const other = await createOrganization(api)
  await must(api, 'create_team', { organization_id: other.id, name: team.name }, other.owner)
  // Only the capitals of its own name.
  await must(api, 'update_team', { team_id: team.id, name: team.name.toLowerCase() }, organization.owner)
})

test.each([null, '', ' Chairs', 'Cha\nirs', 'x'.repeat(81)])(
  'refuses the name %j (team_name_invalid)',
  async (name) => {
    const team = await createTeam(api)
    const { id, owner } = team.organization
    for (const [fn, args] of [
      ['create_team', { organization_id: id, name }],
      ['update_team', { team_id: team.id, name }],
    ] as const) {
      const answer = await api.rpc(fn, args, owner.token)
      expect([answer.status, answer.body.message]).toEqual([400, 'team_name_invalid'])
    }
  },
)

test('members are added, become lead by being added again, are removed, and leave', async () => {
  const team = await createTeam(api)
  const { owner } = team.organization
  const mel = await addMember(db, api, team.organization, 'member')
  const sam = await addMember(db, api, team.organization, 'billing')
  const add = (user_id: string, role?: string) =>
    must(api, 'add_team_member', { team_id: team.id, user_id, ...(role ? { role } : {}) }, owner)
  expect(await add(mel.id)).toMatchObject({ user_id: mel.id, role: 'member' })
  expect(await add(mel.id, 'lead')).toMatchObject({ user_id: mel.id, role: 'lead' })
  await add(sam.id)
  const rows = `/team_members?team_id=eq.${team.id}&select=user_id,role&order=role`
  expect((await api.get(rows, sam.token)).body).toEqual([
    { user_id: mel.id, role: 'lead' },
    { user_id: sam.id, role: 'member' },
  ])
  await must(api, 'remove_team_member', { team_id: team.id, user_id: sam.id }, owner)
  await must(api, 'leave_team', { team_id: team.id }, mel)
  expect((await api.get(rows, owner.token)).body).toEqual([])
  for (const [fn, args, person] of [
    ['remove_team_member', { team_id: team.id, user_id: sam.id }, owner],
    ['leave_team', { team_id: team.id }, mel],
  ] as const) {
    expect((await api.rpc(fn, args, person.token)).status, `${fn} a second time`).toBe(404)
  }
})

test('a role nobody has is refused (team_role_unknown), and so is whoever is not in the organization', async () => {
  const team = await createTeam(api)
  const { owner } = team.organization
  for (const role of ['owner', '', null]) {
    const answer = await api.rpc(
      'add_team_member',
      { team_id: team.id, user_id: owner.id, role },
      owner.token,
    )
    expect([answer.status, answer.body.message]).toEqual([400, 'team_role_unknown'])
  }
  const stranger = await signUp(api)
  for (const user_id of [stranger.id, null]) {
    const answer = await api.rpc('add_team_member', { team_id: team.id, user_id }, owner.token)
    expect([answer.status, answer.body.message]).toEqual([404, 'member_not_found'])
  }
})

test('owners and admins of the organization run its teams, a lead does not (organization_role_required)', async () => {
  const team = await createTeam(api)
  const { organization } = team
  const admin = await addMember(db, api, organization, 'admin')
  const billing = await addMember(db, api, organization, 'billing')
  const lead = await addMember(db, api, organization, 'member')
  const other = await addMember(db, api, organization, 'member')
  await must(api, 'add_team_member', { team_id: team.id, user_id: lead.id, role: 'lead' }, admin)
  await must(api, 'add_team_member', { team_id: team.id, user_id: other.id }, admin)
  const calls: [string, Record<string, unknown>][] = [
    ['create_team', { organization_id: organization.id, name: 'Mine' }],
    ['update_team', { team_id: team.id, name: 'Mine' }],
    ['delete_team', { team_id: team.id }],
    ['add_team_member', { team_id: team.id, user_id: lead.id, role: 'lead' }],
    ['remove_team_member', { team_id: team.id, user_id: other.id }],
  ]
  for (const { token } of [lead, other, billing]) {
    for (const [fn, args] of calls) {
      const answer = await api.rpc(fn, args, token)
      expect([fn, answer.status, answer.body.message]).toEqual([fn, 403, 'organization_role_required'])
    }
  }
})
