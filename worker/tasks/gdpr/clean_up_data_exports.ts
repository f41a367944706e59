/** Deletes copies of people's data that have expired or were downloaded. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

export const task = defineTask(payload, async (_payload, { pool }) => {
  await pool.query('select gdpr.clean_up_data_exports()')
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'gdpr/clean_up_data_exports': z.infer<typeof payload>
    }
  }
}
