/** Drops the months past their retention, one a transaction: nobody waits for two of them. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

const answer = z.array(z.object({ partition_name: z.string(), outcome: z.enum(['dropped', 'on_hold']) }))

export const task = defineTask(payload, async (_payload, { pool, log, signal }) => {
  for (let dropped = 0; ; dropped++) {
    signal.throwIfAborted()
    const { rows } = await pool.query('select partition_name, outcome from ops.drop_old_partitions(null, 1)')
    const months = answer.parse(rows)
    const gone = months.find(({ outcome }) => outcome === 'dropped')
    if (gone) {
      log.info('dropped a month past its retention', { partition: gone.partition_name })
      continue
    }
    // Only once, in the last turn: those that stay are looked at in each.
    for (const { partition_name: partition } of months) log.warn('a legal hold keeps a month', { partition })
    return dropped
  }
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/drop_partitions': z.infer<typeof payload>
    }
  }
}
