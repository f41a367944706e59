/** Disables devices nobody uses any more and deletes old notifications. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

export const task = defineTask(payload, async (_payload, { pool }) => {
  await pool.query('select core.clean_up_notifications()')
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/clean_up_notifications': z.infer<typeof payload>
    }
  }
}
