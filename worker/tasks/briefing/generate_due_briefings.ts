/** Makes the briefings of everybody who is due now by their own clock. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

/** Small, so that somebody who asks for their briefing at the same moment does not wait for the batch. */
const BATCH_SIZE = 100

export const payload = z.object({})

const answer = z.tuple([z.object({ handled: z.int() })])

export const task = defineTask(payload, async (_payload, { pool, log, signal }) => {
  let total = 0
  for (let handled = -1; handled !== 0; total += handled) {
    signal.throwIfAborted()
    const { rows } = await pool.query('select briefing.generate_due_briefings($1) as handled', [BATCH_SIZE])
    handled = answer.parse(rows)[0].handled
  }
  if (total > 0) log.info('made briefings', { people: total })
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'briefing/generate_due_briefings': z.infer<typeof payload>
    }
  }
}
