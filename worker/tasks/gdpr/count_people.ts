/** Counts how many people did what on days that are over: the numbers that outlive those who leave. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

export const task = defineTask(payload, async (_payload, { pool }) => {
  await pool.query('select gdpr.count_people()')
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'gdpr/count_people': z.infer<typeof payload>
    }
  }
}
