/** Writes down once a minute what has been running for more than thirty seconds. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

const answer = z.tuple([z.object({ noted: z.int() })])

export const task = defineTask(payload, async (_payload, { pool, log }) => {
  const { rows } = await pool.query('select ops.note_long_queries() as noted')
  const [{ noted }] = answer.parse(rows)
  if (noted > 0) log.warn('transactions have been open for more than 30 seconds', { count: noted })
  return noted
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/note_long_queries': z.infer<typeof payload>
    }
  }
}
