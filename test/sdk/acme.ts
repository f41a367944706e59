/** An organization with a second member, two open invitations and a proven domain. */
import { type HowdahClient, orThrow } from '../../sdk/src/index.ts'
import type { TestDatabase } from '../setup/database.ts'

/** Its id as arguments want it, and the ids of what it has. */
export type Acme = {
  acme: { organization_id: string }
  domainId: string
  openInvitation: string
  other: string
}

/** Makes it for whoever is signed in, with somebody else as a member. */
export async function makeAcme(db: TestDatabase, client: HowdahClient, memberId: string): Promise<Acme> {
  const made = await orThrow(client.rpc('create_organization', { name: 'Acme', slug: 'acme' }))
  const acme = { organization_id: made[0]?.id ?? '' }
  const { rows } = await db.owner.query<{ invitation: string; other: string; domain: string }>(
    `with joined as (
    insert into core.organization_members (organization_id, user_id, role) values ($1, $2, 'member')
  ), domain as (
    insert into core.organization_domains (organization_id, domain, token, verified_at, expires_at, next_check_at)
    values ($1, 'example.com', repeat('a', 43), now(), now(), now()) returning id
  ), invited as (
    insert into core.invitations (organization_id, organization_name, email, role, expires_at)
    select $1, 'Acme', name || '@example.com', 'member', now() + interval '1 day' from unnest(array['one', 'two']) name
    returning id
  )
  select (select id from domain) as domain, (select min(id::text) from invited) as invitation, (select max(id::text) from invited) as other`,
    [acme.organization_id, memberId],
  )
  const { domain: domainId = '', invitation: openInvitation = '', other = '' } = rows[0] ?? {}
  return { acme, domainId, openInvitation, other }
}
