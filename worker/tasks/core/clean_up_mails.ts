/** Deletes old mails, dead tokens and sign-ups that nobody confirmed. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

export const task = defineTask(payload, async (_payload, { pool }) => {
  await pool.query('select core.clean_up_mails()')
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/clean_up_mails': z.infer<typeof payload>
    }
  }
}
