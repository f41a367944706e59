/** Brings the ledger outside the database up to date, whatever gap there was. */
import type pg from 'pg'
import { z } from 'zod'
import { WorkerError } from '../worker-error.ts'
import { appendErasures, readErasures } from './erasure-file.ts'
import type { SigningKey } from './signing-key.ts'

const differences = z.array(
  z.object({ erasure_id: z.uuid(), user_id: z.uuid().nullable(), erased_at: z.date().nullable() }),
)

/**
 * Appends every entry that the file lacks; returns how many. The database learns of it when they are on the disk.
 * @throws erasures_not_replayed when the file knows erasures that the database does not: an older backup was restored
 */
export async function copyErasures(pool: pg.Pool, path: string, key: SigningKey): Promise<number> {
  // One at a time: two that append see the same gap.
  const client = await pool.connect()
  try {
    await client.query(`select pg_advisory_lock(hashtextextended('howdah:copy_erasures', 0))`)
    const known = (await readErasures(path, key)).map(({ erasure }) => erasure)
    const { rows } = await client.query(
      'select erasure_id, user_id, erased_at from gdpr.compare_ledger($1)',
      [known],
    )
    const found = differences.parse(rows)
    const missing = found.flatMap(({ erasure_id, user_id, erased_at }) =>
      user_id && erased_at ? [{ erasure: erasure_id, user_id, erased_at: erased_at.toISOString() }] : [],
    )
    await appendErasures(path, missing, key)
    const copied = [...known, ...missing.map(({ erasure }) => erasure)]
    await client.query('select gdpr.note_copied_erasures($1)', [copied])
    const unknown = found.length - missing.length
    if (unknown > 0) {
      throw new WorkerError(
        'erasures_not_replayed',
        `${path} knows ${unknown} erasures that the database does not.`,
        {
          hint: 'An older backup was restored. Run: npm run gdpr:replay (npm start does it by itself); docs/erasure-proof.md',
        },
      )
    }
    return missing.length
  } finally {
    await client
      .query(`select pg_advisory_unlock(hashtextextended('howdah:copy_erasures', 0))`)
      .catch(() => {})
    client.release()
  }
}
