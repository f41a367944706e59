/** Makes the coming months' partitions, long before anything is written to them. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

export const task = defineTask(payload, async (_payload, { pool }) => {
  await pool.query('select ops.create_monthly_partitions()')
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/create_partitions': z.infer<typeof payload>
    }
  }
}
