/** Measures everything every five minutes and keeps it, for looking back. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

const answer = z.tuple([z.object({ kept: z.int() })])

export const task = defineTask(payload, async (_payload, { pool }) => {
  const { rows } = await pool.query('select ops.take_metric_samples() as kept')
  return answer.parse(rows)[0].kept
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/check_health': z.infer<typeof payload>
    }
  }
}
