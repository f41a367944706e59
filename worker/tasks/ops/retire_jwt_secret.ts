/** Ends the previous key of access tokens when none of its tokens can be alive any more. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

export const task = defineTask(payload, async (_payload, { pool }) => {
  await pool.query('select ops.retire_jwt_secret()')
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/retire_jwt_secret': z.infer<typeof payload>
    }
  }
}
