/**
 * Frees the jobs of workers that died. Living workers ask for it every 20 seconds (running/liveness.ts); as a task it
 * also runs at start and leaves its trace among the jobs.
 */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

const answer = z.tuple([z.object({ released: z.int() })])

export const task = defineTask(payload, async (_payload, { pool, log }) => {
  const { rows } = await pool.query('select ops.release_dead_workers() as released')
  const [{ released }] = answer.parse(rows)
  if (released > 0) log.warn('freed the jobs of workers that died', { workers: released })
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/release_dead_workers': z.infer<typeof payload>
    }
  }
}
