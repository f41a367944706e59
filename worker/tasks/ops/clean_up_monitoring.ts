/** Deletes runs and alerts that are over for long. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

export const task = defineTask(payload, async (_payload, { pool }) => {
  await pool.query('select ops.clean_up_monitoring()')
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/clean_up_monitoring': z.infer<typeof payload>
    }
  }
}
