/** Two organizations of strangers with a row of each kind, and calls that mix up whose is whose. */
import type { TestApi } from '../../../setup/api.ts'
import type { TestDatabase } from '../../../setup/database.ts'
import type { Person } from '../../../setup/story.ts'
import { addMember, createOrganization } from '../tenancy/story.ts'
import { createTeam, createWorkspace, must } from './story.ts'

/** The arguments and columns that lead into a tenant. */
export const IDS = [
  'organization_id',
  'team_id',
  'workspace_id',
  'user_id',
  'domain_id',
  'invitation_id',
] as const
export type Ids = Record<(typeof IDS)[number], string>
export type Tenant = { owner: Person; ids: Ids }
export const MISSING = '00000000-0000-4000-8000-000000000000'

/** An organization with a row of each kind; `user_id` is a member who is in the team and in the workspace. */
export async function makeTenant(db: TestDatabase, api: TestApi): Promise<Tenant> {
  const organization = await createOrganization(api)
  const { owner, id: organization_id } = organization
  const [team, workspace] = [await createTeam(api, organization), await createWorkspace(api, organization)]
  const member = await addMember(db, api, organization, 'member')
  const domain = await must(api, 'add_domain', { organization_id, domain: 'engines.example' }, owner)
  const email = 'invited@engines.example'
  const { invitation_id } = await must(api, 'invite_member', { organization_id, email }, owner)
  const ids: Ids = {
    organization_id,
    team_id: team.id,
    workspace_id: workspace.id,
    user_id: member.id,
    domain_id: domain.id,
    invitation_id,
  }
  await must(api, 'add_team_member', { team_id: team.id, user_id: member.id }, owner)
  await must(api, 'add_workspace_member', { workspace_id: workspace.id, user_id: member.id }, owner)
  return { owner, ids }
}

/** The views of what is inside a tenant, each with a filter for its row of a tenant. */
export const VIEWS: Readonly<Record<string, (ids: Ids) => string>> = {
  organization_members: (ids) => `organization_id=eq.${ids.organization_id}`,
  organization_domains: (ids) => `id=eq.${ids.domain_id}`,
  invitations: (ids) => `id=eq.${ids.invitation_id}`,
  teams: (ids) => `id=eq.${ids.team_id}`,
  team_members: (ids) => `team_id=eq.${ids.team_id}`,
  workspaces: (ids) => `id=eq.${ids.workspace_id}`,
  workspace_members: (ids) => `workspace_id=eq.${ids.workspace_id}`,
}

/** Everything that is anybody's here, as text: what must not have changed. */
export async function stateOf(db: TestDatabase): Promise<string[]> {
  const lines = ['organizations', ...Object.keys(VIEWS)].map(
    (name) => `select t::text as line from core.${name} t`,
  )
  const { rows } = await db.owner.query<{ line: string }>(`${lines.join(' union all ')} order by 1`)
  return rows.map(({ line }) => line)
}

/** Values for the other arguments of functions; they are what a good call would send. */
export const OTHER_ARGUMENTS: Readonly<Record<string, (tenant: Tenant) => unknown>> = {
  name: () => 'Anything',
  slug: () => 'anything-at-all',
  password: ({ owner }) => owner.password,
  settings: () => ({ colour: 'red' }),
  branding: () => ({}),
  plan: () => 'team',
  domain: () => 'wheels.example',
  has_auto_join: () => true,
  email: () => 'somebody@wheels.example',
  token: () => null,
}
