/** How tests claim a domain and prove it, and how people of it come in. */
import type { Answer, TestApi } from '../../../setup/api.ts'
import type { TestDatabase } from '../../../setup/database.ts'
import type { Person } from '../../../setup/story.ts'
import type { Organization } from './story.ts'

/** A claimed domain, and the value that its DNS record has to have. */
export type Claim = { id: string; domain: string; record_value: string }

let counter = 0
/** A domain that nobody has claimed. */
export const aDomain = () => `company-${++counter}.example`

/** The steps, for one database. */
export function claiming(db: TestDatabase, api: TestApi) {
  const steps = {
    add: (by: Person, { id }: Organization, domain: unknown): Promise<Answer> =>
      api.rpc('add_domain', { organization_id: id, domain }, by.token),
    async claim(acme: Organization, domain = aDomain()): Promise<Claim> {
      const { status, body } = await steps.add(acme.owner, acme, domain)
      if (status !== 200) throw new Error(`add_domain answered ${status}: ${JSON.stringify(body)}`)
      return body[0]
    },
    /** What the worker does when it has found these records. */
    async found({ id }: Claim, records: string[] | null): Promise<string> {
      // A look within ten seconds of one that saw the same is taken for the same job once more.
      await db.owner.query('update core.organization_domains set last_checked_at = null where id = $1', [id])
      const { rows } = await db
        .as('howdah_worker')
        .query('select core.record_domain_check($1, $2) as outcome', [id, records])
      return rows[0].outcome
    },
    async prove(acme: Organization, domain = aDomain()): Promise<Claim> {
      const made = await steps.claim(acme, domain)
      const outcome = await steps.found(made, ['other', made.record_value])
      if (outcome !== 'verified') throw new Error(`The proof of ${domain} was answered with ${outcome}.`)
      return made
    },
    autoJoin: ({ owner }: Organization, { id }: Claim, has_auto_join = true): Promise<Answer> =>
      api.rpc('set_domain_auto_join', { domain_id: id, has_auto_join }, owner.token),
    confirm: ({ id }: Person) =>
      db.owner.query('update core.users set email_verified_at = now() where id = $1', [id]),
    join: ({ token }: Person): Promise<Answer> => api.rpc('join_organization_by_domain', {}, token),
    async organizationsOf({ token }: Person) {
      return (await api.get('/organizations?select=id,my_role', token)).body
    },
  }
  return steps
}
