/** Takes what is past its retention, policy by policy, in short transactions. One that fails does not stop the others. */
import type pg from 'pg'
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

/** Rows of one transaction: gone in milliseconds, so nobody waits for a lock. */
const BATCH_SIZE = 1000

/** A million rows of one policy in a turn; what is left comes with the next. */
const BATCH_LIMIT = 1000

export const payload = z.object({})

const policies = z.array(z.object({ policy: z.string() }))
const batch = z.tuple([z.object({ rows: z.coerce.number().int() })])

export const task = defineTask(payload, async (_payload, { pool, log, signal }) => {
  const failures: unknown[] = []
  const { rows } = await pool.query('select policy from gdpr.policies_to_clean_up() as policy')
  for (const { policy } of policies.parse(rows)) {
    signal.throwIfAborted()
    try {
      const taken = await cleanUp(pool, policy, signal)
      if (taken > 0) log.info('cleaned up', { policy, rows: taken })
    } catch (error) {
      log.error('could not clean up', {
        policy,
        error: error instanceof Error ? error.message : String(error),
      })
      failures.push(error)
    }
  }
  // Operators change times and settings, which the record tells too.
  await pool.query('select gdpr.declare_processing_record()')
  if (failures.length > 0) throw failures[0]
})

async function cleanUp(pool: pg.Pool, policy: string, signal: AbortSignal): Promise<number> {
  let taken = 0
  for (let count = 0; count < BATCH_LIMIT && !signal.aborted; count++) {
    const { rows } = await pool.query('select gdpr.clean_up_batch($1, $2) as rows', [policy, BATCH_SIZE])
    const [{ rows: found }] = batch.parse(rows)
    taken += found
    if (found < BATCH_SIZE) break
  }
  return taken
}

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'gdpr/clean_up': z.infer<typeof payload>
    }
  }
}
