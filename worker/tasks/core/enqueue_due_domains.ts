/** Queues a look at every domain whose turn it is. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

/** In one go; what is left is due five minutes later. */
const BATCH_SIZE = 500

export const payload = z.object({})

const answer = z.tuple([z.object({ queued: z.coerce.number().int() })])

/** One statement, so that no domain is claimed without its job; api.check_domain() uses the same key. */
const ENQUEUE = `
  select count(graphile_worker.add_job(
    'core/check_domain',
    json_build_object('domain_id', claimed.id),
    job_key => 'core/check_domain:' || claimed.id,
    max_attempts => 3
  )) as queued
  from core.claim_due_domains($1) as claimed (id)`

export const task = defineTask(payload, async (_payload, { pool, log }) => {
  const { rows } = await pool.query(ENQUEUE, [BATCH_SIZE])
  const { queued } = answer.parse(rows)[0]
  if (queued > 0) log.info('queued domain checks', { domains: queued })
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/enqueue_due_domains': z.infer<typeof payload>
    }
  }
}
