/** Organizations for tests, made by the API itself. */
import { randomBytes } from 'node:crypto'
import type { TestApi } from '../../../setup/api.ts'
import type { TestDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'

export type Organization = { id: string; slug: string; owner: Person }
export type Role = 'owner' | 'admin' | 'member' | 'billing'

/** An organization of a new person, or of the given one. */
export async function createOrganization(api: TestApi, owner?: Person): Promise<Organization> {
  const person = owner ?? (await signUp(api))
  const slug = `org-${randomBytes(4).toString('hex')}`
  const answer = await api.rpc('create_organization', { name: 'Acme', slug }, person.token)
  if (answer.status !== 200) throw new Error(`create_organization answered ${JSON.stringify(answer.body)}`)
  return { id: String(answer.body[0].id), slug, owner: person }
}

/** A new person with this role. How people come in by invitation is accept_invitation's own test. */
export async function addMember(
  db: TestDatabase,
  api: TestApi,
  { id }: Organization,
  role: Role,
  person?: Person,
): Promise<Person> {
  const member = person ?? (await signUp(api))
  await db.owner.query(
    'insert into core.organization_members (organization_id, user_id, role) values ($1, $2, $3)',
    [id, member.id, role],
  )
  return member
}
