/** Plans the statements of a world, and runs them in a transaction that is rolled back. */
import { rolledBack } from '../catalog/rolled-back.ts'
import type { Field } from './field.ts'
import type { Identity } from './identities.ts'
import { keySqlCells } from './key-sql-cells.ts'
import { privilegeSqlCells } from './privilege-sql-cells.ts'
import { relationSqlCells } from './relation-sql-cells.ts'
import { prepareSqlCells, runSqlCells, type SqlCell } from './sql-cell.ts'
import type { View } from './surfaces.ts'

/** All statements of an identity, or those about some objects. What roles lack is tried by the first of each role only. */
export async function planSql(
  field: Field,
  identity: Identity,
  victim: Identity,
  only?: string[],
): Promise<SqlCell[]> {
  const { world, surfaces, db } = field
  const first = world.identities.find(({ role }) => role === identity.role)
  const isFirst = first?.name === identity.name
  const keys = identity.name === 'user A' ? await keySqlCells(db.superuser, identity, victim) : []
  return [
    ...(await relationSqlCells(db.superuser, identity, victim, surfaces.views, only)),
    ...(isFirst ? await privilegeSqlCells(db.superuser, identity, only) : []),
    ...keys.filter(({ object }) => only?.includes(object) ?? true),
  ]
}

/** Runs an identity's statements, or those on some tables and views. */
export async function attackBySql(
  field: Field,
  identity: Identity,
  victim: Identity,
  only: { tables?: string[]; views?: View[] },
): Promise<{ cells: number; unexpected: string[] }> {
  const objects = only.tables?.concat((only.views ?? []).map(({ name }) => `api.${name}`))
  const cells = await planSql(field, identity, victim, objects)
  const unexpected = await rolledBack(field.db, async (client) => {
    await prepareSqlCells(client)
    return runSqlCells(client, cells)
  })
  return { cells: cells.length, unexpected }
}
