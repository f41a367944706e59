/** Rows for everybody in every table: what attacks aim at. */
import type { Queryable } from '../catalog/rule.ts'
import { CAST, type Part, REMOVED } from './people.ts'
import { seedRow } from './seed-row.ts'
import { type Column, type Table, tablesOf } from './tables.ts'
import { FOR_RUNNERS } from './whose.ts'

type Made = Map<string, Record<string, unknown>>

/** Ids of rows that were made, by whom they must be hidden from: a person's, or an organization's. */
export type Keys = { ofPerson: Map<string, string[]>; ofOrganization: Map<string, string[]> }

/**
 * Seeds every table that a web role may read or that belongs to people. Tables of everybody get a row for each person
 * too, so that two people can point at different rows. Who joins an organization gets the rows of memberships only.
 * @param ids of the accounts, by the labels of the cast
 */
export async function seedWorld(db: Queryable, ids: ReadonlyMap<string, string>): Promise<Keys> {
  // The one plan for sale; those that the cast makes are hidden.
  await db.query(
    `insert into core.plans (key, name, audience, trial_days, is_public)
     values ('attack_plan', 'For sale', 'organization', 14, true)`,
  )
  const all = (await tablesOf(db)).filter(({ name }) => name !== 'core.users')
  const tables = parentsFirst(
    all.filter(({ owner, isReadable }) => owner || isReadable),
    all,
  )
  const keys: Keys = { ofPerson: new Map(), ofOrganization: new Map() }
  const houses = new Map<string, Made>()
  for (const part of CAST) {
    const id = ids.get(part.label) ?? ''
    keys.ofPerson.set(part.label, [id])
    const made: Made = new Map()
    for (const table of tables.filter(({ isOfTenant }) => part.ownsOne || !isOfTenant)) {
      await makeRow(db, table, { id, label: wordOf(part, table), made, keys, part })
    }
    if (part.ownsOne) {
      houses.set(part.label, made)
      await makeClosedWorkspace(db, part, made, keys)
      await subscribe(db, part, made, keys)
    }
    for (const [organization, role] of Object.entries(part.joins)) {
      await join(db, tables, { id, role, made: new Map([...made, ...(houses.get(organization) ?? [])]) })
    }
    await db.query('update core.users set display_name = $2, full_name = $3 where id = $1', [
      id,
      `name-${part.label}-users`,
      `canary-${part.label}-users`,
    ])
  }
  await db.query('delete from core.organization_members where user_id = $1', [ids.get(REMOVED)])
  return keys
}

type Making = { id: string; label: string; made: Made; keys: Keys; part: Part }

async function makeRow(db: Queryable, table: Table, { id, label, made, keys, part }: Making): Promise<void> {
  // Sign-up has made it, and nobody outside could see a word in it.
  if (table.owner && !table.isReadable && (await hasRow(db, table, id))) return
  const row = await seedRow(db, table, { id, label, parents: from(made) })
  made.set(table.name, row)
  const key = row['id']
  if (typeof key !== 'string') return
  if (table.isOfTenant) {
    push(keys.ofOrganization, FOR_RUNNERS.includes(table.name) ? `closed ${part.label}` : part.label, key)
  } else if (table.owner) push(keys.ofPerson, part.label, key)
}

function wordOf({ label }: Part, table: Table): string {
  if (table.name === 'core.plans') return `hidden-${label}`
  if (FOR_RUNNERS.includes(table.name)) return `closed-${label}`
  if (table.isOfTenant) return `org-${label}`
  return table.owner ? label : `shared-${label}`
}

/** A second workspace, of which nobody is a member: for those who run the organization. */
async function makeClosedWorkspace(db: Queryable, { label }: Part, made: Made, keys: Keys): Promise<void> {
  const { rows } = await db.query<{ id: string }>(
    `insert into core.workspaces (organization_id, name, slug) values ($1, $2, $2) returning id`,
    [made.get('core.organizations')?.['id'], `canary-closed-${label}-workspace`],
  )
  push(keys.ofOrganization, `closed ${label}`, rows[0]?.id ?? '')
}

/** What the organization pays for: for those who run it or its billing. */
async function subscribe(db: Queryable, { label }: Part, made: Made, keys: Keys): Promise<void> {
  const { rows } = await db.query<{ id: string }>(
    `insert into core.subscriptions (organization_id, plan, state) values ($1, 'attack_plan', 'active') returning id`,
    [made.get('core.organizations')?.['id']],
  )
  push(keys.ofOrganization, `closed ${label}`, rows[0]?.id ?? '')
}

/** Memberships are the rows whose key is a person and something of the tenant's. */
async function join(
  db: Queryable,
  tables: Table[],
  { id, role, made }: { id: string; role: string; made: Made },
): Promise<void> {
  for (const table of tables.filter(({ isMembership }) => isMembership)) {
    const own = { id, label: 'joining', parents: from(made) }
    const fixed = table.name === 'core.organization_members' ? role : ROLES_INSIDE[table.name]
    await seedRow(db, table, own, fixed === undefined ? {} : { role: fixed })
  }
}

/** The least that one can be there. */
const ROLES_INSIDE: Readonly<Record<string, string>> = {
  'core.team_members': 'member',
  'core.workspace_members': 'viewer',
}

function from(made: Made) {
  return async (column: Column) => made.get(column.target ?? '')?.[column.targetColumn ?? ''] ?? null
}

function push(keys: Map<string, string[]>, label: string, key: string): void {
  keys.set(label, [...(keys.get(label) ?? []), key])
}

async function hasRow(db: Queryable, { name, owner }: Table, id: string): Promise<boolean> {
  const { rowCount } = await db.query(`select from ${name} where ${owner} = $1 limit 1`, [id])
  return (rowCount ?? 0) > 0
}

/** Tables after those they point at; with those of the house that a row of theirs cannot do without. */
function parentsFirst(tables: Table[], all: Table[]): Table[] {
  const sorted: Table[] = []
  const visit = (table: Table) => {
    if (sorted.includes(table)) return
    for (const { target, isRequired } of table.columns) {
      const parent = (isRequired ? all : tables).find(({ name }) => name === target && name !== table.name)
      if (parent) visit(parent)
    }
    sorted.push(table)
  }
  tables.forEach(visit)
  return sorted
}
