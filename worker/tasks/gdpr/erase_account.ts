/**
 * Erases one account that is due, step by step, each a transaction of its own. A worker that dies on the way leaves the
 * rest for the job that comes again; what was committed is not done twice.
 */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({ request_id: z.uuid() })

const begun = z.tuple([z.object({ erasure: z.uuid().nullable() })])
const continued = z.tuple([
  z.object({ step: z.enum(['rows', 'log', 'account', 'statistics', 'done', 'busy', 'held']) }),
])

export const task = defineTask(payload, async ({ request_id }, { pool, log, signal }) => {
  const first = await pool.query('select gdpr.begin_deletion($1) as erasure', [request_id])
  const { erasure } = begun.parse(first.rows)[0]
  if (!erasure) return
  for (;;) {
    signal.throwIfAborted()
    const next = await pool.query('select gdpr.continue_erasure($1) as step', [erasure])
    const { step } = continued.parse(next.rows)[0]
    // Busy: another worker is at it. Held: it goes on when the hold is released.
    if (step === 'done' || step === 'busy' || step === 'held') {
      log.info('erasure', { erasure, step })
      return
    }
  }
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'gdpr/erase_account': z.infer<typeof payload>
    }
  }
}
