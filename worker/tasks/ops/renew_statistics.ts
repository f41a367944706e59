/** Renews what the planner knows about tables that changed; partitioned ones as a whole, which autovacuum never does. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

const due = z.array(z.object({ relation: z.string() }))

export const task = defineTask(payload, async (_payload, { pool, signal }) => {
  const { rows } = await pool.query('select relation from ops.tables_to_analyze() as t (relation)')
  const relations = due.parse(rows)
  for (const { relation } of relations) {
    signal.throwIfAborted()
    await pool.query('select ops.analyze_table($1)', [relation])
  }
  return relations.length
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/renew_statistics': z.infer<typeof payload>
    }
  }
}
