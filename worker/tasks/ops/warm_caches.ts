/** Brings what the morning reads first into memory. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

const answer = z.array(z.object({ way: z.enum(['prewarmed', 'read']) }))

export const task = defineTask(payload, async (_payload, { pool, log }) => {
  const { rows } = await pool.query('select way from ops.warm_caches()')
  const relations = answer.parse(rows)
  if (relations.some(({ way }) => way === 'read')) {
    log.warn('the extension pg_prewarm is missing; tables were read once instead', {
      tables: relations.length,
    })
  }
  return relations.length
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/warm_caches': z.infer<typeof payload>
    }
  }
}
