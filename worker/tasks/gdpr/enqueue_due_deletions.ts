/** Queues the erasure of every account whose time has come, and reminds those who have three days left. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

const answer = z.tuple([z.object({ queued: z.int() })])

export const task = defineTask(payload, async (_payload, { pool, log }) => {
  const { rows } = await pool.query('select gdpr.enqueue_due_deletions() as queued')
  const { queued } = answer.parse(rows)[0]
  if (queued > 0) log.info('queued erasures', { accounts: queued })
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'gdpr/enqueue_due_deletions': z.infer<typeof payload>
    }
  }
}
