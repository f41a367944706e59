/** How tests invite, read the mail and accept. */
import { randomBytes } from 'node:crypto'
import type { Answer, TestApi } from '../../../setup/api.ts'
import type { TestDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import type { Organization } from './story.ts'

/** What an invitation of nobody, of somebody else, or one that is over answers. */
export const NOT_FOUND = [404, 'invitation_not_found']

export const anAddress = () => `guest-${randomBytes(5).toString('hex')}@example.com`

/** The steps, for one database. */
export function inviting(db: TestDatabase, api: TestApi) {
  const steps = {
    /** Somebody whose address is confirmed. */
    async verified(email = anAddress()): Promise<Person> {
      const person = await signUp(api, { email })
      await db.owner.query('update core.users set email_verified_at = now() where id = $1', [person.id])
      return person
    },
    inviteAs: (by: Person, { id }: Organization, email: unknown, role?: string): Promise<Answer> =>
      api.rpc('invite_member', { organization_id: id, email, ...(role ? { role } : {}) }, by.token),
    /** The owner invites; answers with the invitation's id. */
    async invite(organization: Organization, email: string, role?: string): Promise<string> {
      const { status, body } = await steps.inviteAs(organization.owner, organization, email, role)
      if (status !== 202) throw new Error(`invite_member answered ${status}: ${JSON.stringify(body)}`)
      return body.invitation_id
    },
    /** What the worker is given for the newest mail of an invitation; null when there is nothing to send. */
    async mailOf(invitationId: string) {
      const { rows } = await db.owner.query(
        `select core.begin_mail(m.id) as mail from core.mails m
        where m.invitation_id = $1 and state = 'waiting' order by id desc limit 1`,
        [invitationId],
      )
      return rows[0]?.mail
    },
    tokenOf: async (invitationId: string): Promise<string> => (await steps.mailOf(invitationId)).token,
    accept: (by: Person, given: Record<string, unknown>): Promise<Answer> =>
      api.rpc('accept_invitation', given, by.token),
    async memberCount({ id }: Organization): Promise<number> {
      const { rowCount } = await db.owner.query(
        'select from core.organization_members where organization_id = $1',
        [id],
      )
      return rowCount ?? 0
    },
  }
  return steps
}
