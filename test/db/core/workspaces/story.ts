/** Teams and workspaces for tests, made by the API itself. */
import { randomBytes } from 'node:crypto'
import type { TestApi } from '../../../setup/api.ts'
import type { TestDatabase } from '../../../setup/database.ts'
import type { Person } from '../../../setup/story.ts'
import { addMember, createOrganization, type Organization } from '../tenancy/story.ts'

export type Workspace = { id: string; organization: Organization }
export type WorkspaceRole = 'owner' | 'editor' | 'viewer'

/** A call that must go well; answers with its first row. */
export async function must(api: TestApi, name: string, args: Record<string, unknown>, { token }: Person) {
  const { status, body } = await api.rpc(name, args, token)
  if (status >= 300) throw new Error(`${name} answered ${status}: ${JSON.stringify(body)}`)
  return Array.isArray(body) ? body[0] : body
}

/** A workspace in a new organization, or in the given one; made by the organization's owner. */
export async function createWorkspace(api: TestApi, given?: Organization): Promise<Workspace> {
  const organization = given ?? (await createOrganization(api))
  const slug = `space-${randomBytes(4).toString('hex')}`
  const args = { organization_id: organization.id, name: 'Research', slug }
  const { id } = await must(api, 'create_workspace', args, organization.owner)
  return { id, organization }
}

/** A team in a new organization, or in the given one. */
export async function createTeam(api: TestApi, given?: Organization) {
  const organization = given ?? (await createOrganization(api))
  const name = `Team ${randomBytes(4).toString('hex')}`
  const { id } = await must(
    api,
    'create_team',
    { organization_id: organization.id, name },
    organization.owner,
  )
  return { id: String(id), name, organization }
}

/** A new member of the organization who has this role in the workspace. */
export async function addToWorkspace(
  db: TestDatabase,
  api: TestApi,
  { id, organization }: Workspace,
  role: WorkspaceRole,
): Promise<Person> {
  const person = await addMember(db, api, organization, 'member')
  await must(api, 'add_workspace_member', { workspace_id: id, user_id: person.id, role }, organization.owner)
  return person
}
