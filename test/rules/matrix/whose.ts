/** Who may read which rows: the one table that a person wrote, beside what the catalog says. */
import type { Queryable } from '../catalog/rule.ts'
import type { Identity } from './identities.ts'
import type { Table } from './tables.ts'

/** Policies of this name show a role everybody's rows. */
const FOR_ADMINS = `select from pg_policy where polrelid = $1::regclass and polname ~ '_admin$' and $2::regrole = any (polroles)`

const memberships = (condition = 'true') =>
  `(select m.organization_id from core.organization_members m where m.user_id = $1 and ${condition})`
const RUN_BY_ME = memberships(`m.role in ('owner', 'admin')`)
/** Those they were let into, and all of the organizations they run. */
const WORKSPACES = `(select w.id from core.workspaces w where w.organization_id in ${RUN_BY_ME}
  union select m.workspace_id from core.workspace_members m where m.user_id = $1)`

/** Tables of organizations that only those read who run one. */
export const FOR_RUNNERS: readonly string[] = ['core.invitations', 'core.organization_domains']

/** Conditions on row `t` and person $1, for tables that are not read by the rule of their columns. */
const READ_BY: Readonly<Record<string, string>> = {
  'core.organizations': `t.id in ${memberships()}`,
  'core.workspaces': `t.id in ${WORKSPACES}`,
  'core.subscriptions': `(t.user_id = $1 or t.organization_id in ${memberships(`m.role in ('owner', 'billing')`)})`,
  // Those for sale, whoever asks.
  'core.plans': `(t.is_public and ($1::uuid is null or true))`,
}

/** Whether row `t` is for person $1: by name, workspace, organization or owner; null where rows are everybody's. */
export function mine({ name, owner, columns }: Pick<Table, 'name' | 'owner' | 'columns'>): string | null {
  const has = (column: string) => columns.some((one) => one.name === column)
  const known = READ_BY[name]
  if (known) return known
  if (FOR_RUNNERS.includes(name)) return `t.organization_id in ${RUN_BY_ME}`
  if (has('workspace_id')) return `t.workspace_id in ${WORKSPACES}`
  if (has('organization_id')) return `t.organization_id in ${memberships()}`
  return owner ? `t.${owner} = $1` : null
}

/** How many rows of a table an identity may touch; undefined for any number. */
export async function rowsFor(db: Queryable, table: Table, identity: Identity): Promise<number | undefined> {
  const condition = mine(table)
  if (!condition || (await seesAll(db, table.name, identity))) return undefined
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::int as count from ${table.name} t where ${condition}`,
    [identity.userId ?? null],
  )
  return rows[0]?.count ?? 0
}

/** Whether everybody's rows are shown to the role on purpose. */
export async function seesAll(db: Queryable, name: string, { role }: Identity): Promise<boolean> {
  const { rowCount } = await db.query(FOR_ADMINS, [name, role])
  return (rowCount ?? 0) > 0
}
