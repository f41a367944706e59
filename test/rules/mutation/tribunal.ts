/** Judges mutants in one database, whose rows and expectations were made before the first hole. */
import type pg from 'pg'
import type { Field } from '../matrix/field.ts'
import { victimOf } from '../matrix/run.ts'
import { planSql } from '../matrix/sql-attacks.ts'
import { prepareSqlCells, type SqlCell } from '../matrix/sql-cell.ts'
import { type CellsByObject, noticedByHttp, noticedByLaw, noticedBySql } from './alarms.ts'
import type { Mutant } from './mutant.ts'
import { SECOND_LINE } from './second-line.ts'
import type { Verdict } from './verdict.ts'

/** What a court works with. */
export type Tribunal = { field: Field; client: pg.PoolClient; cells: CellsByObject }

const NOTHING: Mutant = { kind: 'nothing', what: 'nothing', sql: '', objects: [] }

/**
 * Plans the cells and makes sure that neither they nor the laws complain of a whole database.
 * @throws when they do: then nothing that they say about holes would mean anything
 */
export async function makeTribunal(field: Field): Promise<Tribunal> {
  const client = await field.db.superuser.connect()
  await prepareSqlCells(client)
  const cells = await plannedCells(field)
  const alarm =
    (await noticedBySql(client, { ...NOTHING, objects: [...cells.keys()] }, cells)) ??
    (await noticedByLaw(client, NOTHING))
  if (alarm) client.release(true)
  if (alarm) throw new Error(`There is a hole before the first is made: ${alarm}`)
  return { field, client, cells }
}

/** Cheap alarms are asked first: a statement costs a fraction of a millisecond, a request needs the hole committed. */
export async function judged({ field, client, cells }: Tribunal, mutant: Mutant): Promise<Verdict> {
  const cell = await noticedBySql(client, mutant, cells)
  if (cell) return { mutant, by: 'cell', what: cell }
  const law = await noticedByLaw(client, mutant)
  if (law) return { mutant, by: 'law', what: law }
  const request = await noticedByHttp(field, mutant, attackersOf(field))
  if (request) return { mutant, by: 'request', what: request }
  const reason = SECOND_LINE[mutant.what]
  return reason ? { mutant, by: 'second line', what: reason } : { mutant, by: 'nothing', what: '' }
}

function attackersOf(field: Field) {
  return field.world.identities.filter(({ role }) => role !== undefined)
}

/** Every statement of everybody whom the guard lets in. */
export async function plannedCells(field: Field): Promise<CellsByObject> {
  const all: SqlCell[] = []
  for (const attacker of attackersOf(field)) {
    all.push(...(await planSql(field, attacker, victimOf(field.world, attacker))))
  }
  return Map.groupBy(all, ({ object }) => object)
}
