/** Rows for everybody in every table: what attacks aim at. */
import type { Queryable } from '../catalog/rule.ts'
import { seedRow } from './seed-row.ts'
import { type Column, type Table, tablesOf } from './tables.ts'

/** A person who gets rows. */
export type Seeded = { id: string; label: string }

/**
 * Seeds every table that a web role may read or that belongs to people. Tables of everybody get a row for each person
 * too, so that two people can point at different rows.
 * @returns for each person the words and ids that nobody else may ever see
 */
export async function seedWorld(db: Queryable, people: Seeded[]): Promise<Map<string, string[]>> {
  const all = (await tablesOf(db)).filter(({ name }) => name !== 'core.users')
  const tables = all.filter(({ owner, isReadable }) => owner || isReadable)
  const secrets = new Map<string, string[]>(people.map(({ id }) => [id, [id]]))
  for (const person of people) {
    const made = new Map<string, Record<string, unknown>>()
    for (const table of parentsFirst(tables, all)) {
      // Sign-up has made it, and nobody outside could see a word in it.
      if (table.owner && !table.isReadable && (await hasRow(db, table, person.id))) continue
      const isTheirs = table.owner !== null || table.isOfTenant
      const label = isTheirs ? person.label : `shared-${person.label}`
      const parents = async (column: Column) =>
        made.get(column.target ?? '')?.[column.targetColumn ?? ''] ?? null
      const row = await seedRow(db, table, { id: person.id, label, parents })
      made.set(table.name, row)
      const key = row['id']
      if (isTheirs && typeof key === 'string') secrets.get(person.id)?.push(key)
    }
    await db.query('update core.users set display_name = $2, full_name = $2 where id = $1', [
      person.id,
      `canary-${person.label}-users`,
    ])
    secrets.get(person.id)?.push(`canary-${person.label}-`)
  }
  return secrets
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
