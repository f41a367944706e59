/** Queues a fetch for every source whose turn it is. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

const BATCH_SIZE = 500

export const payload = z.object({})

const answer = z.tuple([z.object({ queued: z.coerce.number().int() })])

/**
 * Claiming and queueing are one statement: a source is never claimed without its job. The key merges a job that still
 * waits; whatever cannot be fetched in three attempts is due again by its own schedule.
 */
const ENQUEUE = `
  select count(graphile_worker.add_job(
    'briefing/fetch_source',
    json_build_object('source_id', claimed.id),
    job_key => 'briefing/fetch_source:' || claimed.id,
    max_attempts => 3
  )) as queued
  from briefing.claim_due_sources($1) as claimed (id)`

export const task = defineTask(payload, async (_payload, { pool, log, signal }) => {
  let total = 0
  for (let queued = BATCH_SIZE; queued === BATCH_SIZE; total += queued) {
    signal.throwIfAborted()
    const { rows } = await pool.query(ENQUEUE, [BATCH_SIZE])
    queued = answer.parse(rows)[0].queued
  }
  if (total > 0) log.info('queued fetches', { sources: total })
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'briefing/enqueue_due_sources': z.infer<typeof payload>
    }
  }
}
