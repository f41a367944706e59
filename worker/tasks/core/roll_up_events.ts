/** Brings the hourly and daily counts of analytics events up to date. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

const answer = z.tuple([z.object({ folded: z.int() })])

export const task = defineTask(payload, async (_payload, { pool, signal }) => {
  for (let folded = 1; folded > 0 && !signal.aborted; ) {
    const { rows } = await pool.query('select core.roll_up_events() as folded')
    folded = answer.parse(rows)[0].folded
  }
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/roll_up_events': z.infer<typeof payload>
    }
  }
}
