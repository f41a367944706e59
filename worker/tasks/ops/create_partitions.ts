/** Makes the coming months' partitions, long before anything is written to them, one a transaction: no lock waits for another. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

const answer = z.tuple([z.object({ name: z.string().nullable() })])

export const task = defineTask(payload, async (_payload, { pool, log, signal }) => {
  for (let made = 0; ; made++) {
    signal.throwIfAborted()
    const { rows } = await pool.query('select ops.create_next_partition() as name')
    const [{ name }] = answer.parse(rows)
    if (name === null) return made
    log.info('made a partition', { partition: name })
  }
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/create_partitions': z.infer<typeof payload>
    }
  }
}
