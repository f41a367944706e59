/** Erases again who lives again: the ledger outside the database against a database that may come from an old backup. */
import type pg from 'pg'
import { z } from 'zod'
import { readErasures } from '../../worker/proof/erasure-file.ts'
import { loadSigningKey } from '../../worker/proof/signing-key.ts'
import { isWorkerError } from '../../worker/worker-error.ts'
import { StackError } from '../stack-error.ts'

/** Where the ledger lies, and the folder with the key that signed it. */
export type LedgerPlace = { ledger: string; dataDir: string }

/** What was done: how many lines there are, which erasures were done again, how many accounts were not there. */
export type ReplayReport = { lines: number; erased: string[]; absent: number }

const outcomes = z.array(z.object({ erasure_id: z.uuid(), outcome: z.enum(['erased', 'not there']) }))

/**
 * Compares, and replays what the database does not know. One cheap question when there is nothing to do; safe to repeat.
 * @param owner connected as the owner of the database (howdah_migrations)
 * @throws erasures_not_replayed: nobody may be let in
 */
export async function replayErasures(
  owner: pg.Client,
  { ledger, dataDir }: LedgerPlace,
): Promise<ReplayReport> {
  try {
    const lines = await readErasures(ledger, loadSigningKey(dataDir))
    if (lines.length === 0) return { lines: 0, erased: [], absent: 0 }
    const { rows } = await owner.query('select erasure_id, outcome from gdpr.replay_erasures($1)', [
      JSON.stringify(lines),
    ])
    const done = outcomes.parse(rows)
    const erased = done.flatMap(({ erasure_id, outcome }) => (outcome === 'erased' ? [erasure_id] : []))
    return { lines: lines.length, erased, absent: done.length - erased.length }
  } catch (cause) {
    throw new StackError(
      'erasures_not_replayed',
      `People who were erased may live again in this database, and could not be erased again: ${
        cause instanceof Error ? cause.message : cause
      }`,
      isWorkerError(cause)
        ? cause.hint
        : 'Nobody is let in until this is mended; docs/erasure-proof.md says how.',
      { cause },
    )
  }
}

/** In a few words. */
export function replayText({ lines, erased, absent }: ReplayReport): string {
  if (lines === 0) return 'none in the ledger'
  if (erased.length + absent === 0) return `${lines} in the ledger, all of them known`
  return `${lines} in the ledger; ${erased.length} erased again${absent > 0 ? `, ${absent} were not there` : ''}`
}
