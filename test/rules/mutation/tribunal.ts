/** Judges mutants in one database, whose rows and expectations were made before the first hole. */
import type { Field } from '../matrix/field.ts'
import { victimOf } from '../matrix/run.ts'
import { planSql } from '../matrix/sql-attacks.ts'
import type { SqlCell } from '../matrix/sql-cell.ts'
import { noticedByHttp, noticedByLaw, noticedBySql } from './alarms.ts'
import type { Mutant } from './mutant.ts'
import { SECOND_LINE } from './second-line.ts'
import type { Verdict } from './verdict.ts'

/** Cheap alarms are asked first: a statement costs a fraction of a millisecond, a request needs the hole committed. */
export async function makeTribunal(field: Field): Promise<(mutant: Mutant) => Promise<Verdict>> {
  const attackers = field.world.identities.filter(({ role }) => role !== undefined)
  let cells = await planned()

  async function planned() {
    const all: SqlCell[] = []
    for (const attacker of attackers) {
      all.push(...(await planSql(field, attacker, victimOf(field.world, attacker))))
    }
    return Map.groupBy(all, ({ object }) => object)
  }

  return async (mutant) => {
    const cell = await noticedBySql(field.db, mutant, cells)
    if (cell) return { mutant, by: 'cell', what: cell }
    const law = await noticedByLaw(field.db, mutant)
    if (law) return { mutant, by: 'law', what: law }
    const request = await noticedByHttp(field, mutant, attackers)
    // Attackers may have changed rows of their own.
    cells = await planned()
    if (request) return { mutant, by: 'request', what: request }
    const reason = SECOND_LINE[mutant.what]
    return reason ? { mutant, by: 'second line', what: reason } : { mutant, by: 'nothing', what: '' }
  }
}
