/** Tries billing events again that failed. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

export const task = defineTask(payload, async (_payload, { pool }) => {
  await pool.query('select core.retry_billing_events()')
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/retry_billing_events': z.infer<typeof payload>
    }
  }
}
