/** A row under a retention policy that begins to age at a given instant; what the catalog cannot say stands here. */
import type { Queryable } from '../../../rules/catalog/rule.ts'
import { seedRow } from '../../../rules/matrix/seed-row.ts'
import type { Column, Table } from '../../../rules/matrix/tables.ts'
import type { Person } from '../../../setup/story.ts'

/** What makes a row one that its policy means, beside its age. */
const MEANT: Readonly<Record<string, Record<string, unknown>>> = {
  data_exports: { finished_at: new Date(), state: 'expired' },
  alerts: { metric: 'connections', severity: 'warn' },
  mails: { finished_at: new Date(), state: 'sent' },
  notification_tokens: { disabled_reason: 'stale' },
  notifications: { expires_at: new Date(Date.now() + 30_000) },
  refresh_tokens: { successor_nonce: Buffer.alloc(32) },
  subject_requests: { outcome: 'fulfilled' },
}

/** A policy as gdpr.retention_policies has it. */
export type Policy = { name: string; relation: string; aged_from: string }

/** Makes the row, and the rows it needs to point at, for a person; returns the place where it lies. */
export async function seedAged(
  db: Queryable,
  tables: readonly Table[],
  { policy, person, label, at }: { policy: Policy; person: Person; label: string; at: Date },
): Promise<string> {
  const ages = [...policy.aged_from.matchAll(/r\.(\w+)/g)].map(([, column]) => [column, at] as const)
  const made = new Map<string, Record<string, unknown>>([['core.users', { id: person.id }]])
  const parents = async (column: Column): Promise<unknown> => {
    const target = tables.find(({ name }) => name === column.target)
    if (!target || (!column.isRequired && target.name !== 'core.users')) return undefined
    if (!made.has(target.name))
      made.set(target.name, await seedRow(db, target, { id: person.id, label, parents }))
    return made.get(target.name)?.[column.targetColumn ?? 'id']
  }
  const table = tables.find(({ name }) => name === policy.relation)
  if (!table) throw new Error(`${policy.name} is about ${policy.relation}, which is no table.`)
  // Who has no account yet is known by an address.
  const address = table.owner ? {} : { email: person.email }
  const fixed = { ...address, ...MEANT[policy.name], ...Object.fromEntries(ages) }
  const before = await places(db, table)
  await seedRow(db, table, { id: person.id, label: `${label}-${policy.name}`, parents }, fixed)
  const [place] = (await places(db, table)).filter((found) => !before.includes(found))
  if (!place) throw new Error(`No row of ${table.name} was made for ${policy.name}.`)
  return place
}

async function places(db: Queryable, { name }: Table): Promise<string[]> {
  const { rows } = await db.query<{ place: string }>(`select ctid::text as place from ${name}`)
  return rows.map(({ place }) => place)
}
