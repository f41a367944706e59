/** Who may touch which rows: the one table that a person wrote, beside what the catalog says. */
import type { Queryable } from '../catalog/rule.ts'
import type { Identity } from './identities.ts'
import type { Table } from './tables.ts'

/** Policies of this name show a role everybody's rows. */
const FOR_ADMINS = `select from pg_policy where polrelid = $1::regclass and polname ~ '_admin$' and $2::regrole = any (polroles)`

/** Organizations that a person, $1, belongs to. */
const MY_ORGANIZATIONS = '(select m.organization_id from core.organization_members m where m.user_id = $1)'

/**
 * A condition on row `t` that says whether it is the person's, $1: the tenant's rows are every member's, else the owner's.
 * Null where rows are everybody's.
 */
export function mine({ owner, tenant }: Pick<Table, 'owner' | 'tenant'>): string | null {
  if (tenant) return `t.${tenant} in ${MY_ORGANIZATIONS}`
  return owner ? `t.${owner} = $1` : null
}

/** How many rows of a table an identity may touch, by its owner's column or its tenant's; undefined for any number. */
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
