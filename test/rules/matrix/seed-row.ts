/** Makes a row of any table for an owner, from nothing but the catalog; what it cannot guess stands in factories.ts. */
import { randomUUID } from 'node:crypto'
import { escapeIdentifier } from 'pg'
import type { Queryable } from '../catalog/rule.ts'
import { FACTORIES } from './factories.ts'
import type { Column, Table } from './tables.ts'

/** Columns that would take a person out of the game, or mark the row as gone. */
const LEAVE_EMPTY = /(deleted|revoked|rotated)_(at|reason)$/
const MAX_ATTEMPTS = 30

/** Who a row is for. `label` goes into every word; `parents` finds a row for a foreign key to point at. */
export type Owner = { id: string; label: string; parents: (column: Column) => Promise<unknown> }

type Failure = { code?: string; constraint?: string; column?: string; message: string }

/**
 * Inserts a row, or changes the owner's row where only one may exist. Optional columns that a rule refuses are left out.
 * @throws with the line to add to factories.ts when a required column is refused
 */
export async function seedRow(
  db: Queryable,
  table: Table,
  owner: Owner,
  fixed: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  const left = new Set(
    table.columns.filter(({ name }) => LEAVE_EMPTY.test(name) && !(name in fixed)).map(({ name }) => name),
  )
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const values = new Map<string, unknown>()
    for (const column of table.columns) {
      if (left.has(column.name)) continue
      const value = fixed[column.name] ?? (await valueFor(table, column, owner))
      if (value !== undefined) values.set(column.name, value)
    }
    await db.query('savepoint seed')
    try {
      const row = await write(db, table, owner, values)
      await db.query('release savepoint seed')
      return row
    } catch (error) {
      await db.query('rollback to savepoint seed')
      const failure = error as Failure
      const guilty = await columnsOf(db, table, failure)
      const optional = table.columns.filter(
        ({ name, isRequired }) => guilty.includes(name) && !isRequired && !left.has(name),
      )
      if (optional.length === 0) {
        throw new Error(
          `No row of ${table.name} can be made up: ${failure.message}. ` +
            `Add '${table.name}.${guilty[0] ?? '<column>'}' to test/rules/matrix/factories.ts.`,
        )
      }
      for (const { name } of optional) left.add(name)
    }
  }
  throw new Error(`No row of ${table.name} could be made up in ${MAX_ATTEMPTS} attempts.`)
}

async function write(db: Queryable, table: Table, owner: Owner, values: Map<string, unknown>) {
  const names = [...values.keys()].map(escapeIdentifier)
  const places = names.map((_, index) => `$${index + 1}`)
  const inserted = await db.query(
    `insert into ${table.name} (${names.join(', ')}) values (${places.join(', ')}) on conflict do nothing returning *`,
    [...values.values()],
  )
  if (inserted.rows[0]) return inserted.rows[0]
  const assignments = names.map((name, index) => `${name} = ${places[index]}`)
  const changed = await db.query(
    `update ${table.name} set ${assignments.join(', ')} where ${escapeIdentifier(table.owner ?? '')} = $${names.length + 1} returning *`,
    [...values.values(), owner.id],
  )
  return changed.rows[0]
}

async function valueFor(table: Table, column: Column, owner: Owner): Promise<unknown> {
  const word = `canary-${owner.label}-${table.name.split('.')[1]}-${column.name}`.replaceAll('_', '-')
  const made = FACTORIES[`${table.name}.${column.name}`]
  if (made) return made(word)
  if (column.name === table.owner) return owner.id
  if (column.target) return owner.parents(column)
  if (column.type === 'text') return word
  if (column.type === 'text[]') return [word]
  if (!column.isRequired) return undefined
  return REQUIRED[column.type]?.()
}

const REQUIRED: Readonly<Record<string, () => unknown>> = {
  uuid: randomUUID,
  'uuid[]': () => [],
  boolean: () => false,
  integer: () => 1,
  bigint: () => 1,
  numeric: () => 1,
  'double precision': () => 1,
  jsonb: () => '{}',
  bytea: () => Buffer.alloc(32),
  date: () => new Date(),
  'timestamp with time zone': () => new Date(),
}

/** The columns that a failed insert complains about. */
async function columnsOf(db: Queryable, table: Table, failure: Failure): Promise<string[]> {
  if (failure.column) return [failure.column]
  const { rows } = await db.query<{ name: string }>(
    `select a.attname as name from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
    where k.conrelid = $1::regclass and k.conname = $2`,
    [table.name, failure.constraint ?? ''],
  )
  return rows.map(({ name }) => name)
}
