/** Deletes invitations a month after they end, and claims of domains that nobody proved. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

export const task = defineTask(payload, async (_payload, { pool }) => {
  await pool.query('select core.clean_up_tenancy()')
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/clean_up_tenancy': z.infer<typeof payload>
    }
  }
}
