/** Two organizations of strangers with a row of each kind, and calls that mix up whose is whose. */
import type { TestApi } from '../../../setup/api.ts'
import type { TestDatabase } from '../../../setup/database.ts'
import type { Person } from '../../../setup/story.ts'
import { addMember, createOrganization } from '../tenancy/story.ts'
import { createTeam, createWorkspace, must } from './story.ts'

/** The arguments and columns that lead into a tenant. */
export type Ids = { organization_id: string; team_id: string; workspace_id: string; user_id: string }
export type Tenant = { owner: Person; ids: Ids }
export const MISSING = '00000000-0000-4000-8000-000000000000'

/** An organization with a team and a workspace; `user_id` is a member who is in both. */
export async function makeTenant(db: TestDatabase, api: TestApi): Promise<Tenant> {
  const organization = await createOrganization(api)
  const { owner, id: organization_id } = organization
  const [team, workspace] = [await createTeam(api, organization), await createWorkspace(api, organization)]
  const member = await addMember(db, api, organization, 'member')
  const ids = { organization_id, team_id: team.id, workspace_id: workspace.id, user_id: member.id }
  await must(api, 'add_team_member', { team_id: team.id, user_id: member.id }, owner)
  await must(api, 'add_workspace_member', { workspace_id: workspace.id, user_id: member.id }, owner)
  return { owner, ids }
}

/** Everything that is anybody's here, as text: what must not have changed. */
export async function stateOf(db: TestDatabase): Promise<string> {
  const { rows } = await db.owner.query<{
    state: string
  }>(`select string_agg(line, E'\\n' order by line) as state from (
    select t::text as line from core.organizations t union all select t::text from core.organization_members t
    union all select t::text from core.teams t union all select t::text from core.team_members t
    union all select t::text from core.workspaces t union all select t::text from core.workspace_members t) lines`)
  return rows[0]?.state ?? ''
}

/** Values for the other arguments of functions; they are what a good call would send. */
export const OTHER_ARGUMENTS: Readonly<Record<string, (tenant: Tenant) => unknown>> = {
  name: () => 'Anything',
  slug: () => 'anything-at-all',
  password: ({ owner }) => owner.password,
  settings: () => ({ colour: 'red' }),
  branding: () => ({}),
}
