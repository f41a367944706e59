/** Deletes sessions that ended long ago. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

export const task = defineTask(payload, async (_payload, { pool }) => {
  await pool.query('select ops.cleanup_expired_sessions()')
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/clean_up_sessions': z.infer<typeof payload>
    }
  }
}
