/** Refreshes the materialized views that are due; one that fails keeps what it had, and the others are refreshed all the same. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'
import { WorkerError } from '../../worker-error.ts'

export const payload = z.object({})

const due = z.array(z.object({ name: z.string() }))
const answer = z.tuple([
  z.object({ outcome: z.enum(['refreshed', 'failed', 'in_work']), error_code: z.string().nullable() }),
])

export const task = defineTask(payload, async (_payload, { pool, log, signal }) => {
  const { rows } = await pool.query('select name from ops.views_due() as v (name)')
  let refreshed = 0
  const failed: string[] = []
  for (const { name } of due.parse(rows)) {
    signal.throwIfAborted()
    const [{ outcome, error_code: code }] = answer.parse(
      (await pool.query('select outcome, error_code from ops.refresh_view($1)', [name])).rows,
    )
    if (outcome === 'refreshed') refreshed++
    if (outcome !== 'failed') continue
    failed.push(name)
    log.error('a materialized view could not be refreshed', { view: name, code })
  }
  if (failed.length === 0) return refreshed
  throw new WorkerError('view_refresh_failed', `${failed.join(', ')} could not be refreshed.`, {
    hint: 'select * from ops.refresh_view(…) answers with the error; the view still shows what it had.',
  })
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/refresh_views': z.infer<typeof payload>
    }
  }
}
