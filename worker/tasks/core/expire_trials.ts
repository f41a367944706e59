/** Writes down which trials have ended. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

export const task = defineTask(payload, async (_payload, { pool }) => {
  await pool.query('select core.expire_trials()')
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/expire_trials': z.infer<typeof payload>
    }
  }
}
