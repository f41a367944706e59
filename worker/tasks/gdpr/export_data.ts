/**
 * Makes the copy of their data that somebody asked for. A worker that dies on the way leaves parts of a moment that
 * nobody can go back to; the job that comes again throws them away and begins anew, so that the file is always whole
 * and of one moment.
 */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'
import { errorKey } from '../../error-key.ts'
import { makeExport } from '../../exports/make-export.ts'
import { beginExport, giveUpExport } from '../../exports/running-export.ts'
import { WorkerError } from '../../worker-error.ts'

export const payload = z.object({ export_id: z.uuid() })

export const task = defineTask(payload, async ({ export_id }, { pool, log, signal }) => {
  const running = await beginExport(pool, export_id)
  if (!running) return
  try {
    await makeExport(pool, running, signal)
  } catch (error) {
    const key = errorKey(error)
    // Its messages may hold what stands in the rows, so neither the job nor the log gets them.
    if (key === 'data_export_over') return
    if (await giveUpExport(pool, running, key)) {
      throw new WorkerError('data_export_failed', `Export ${export_id} failed (${key}); it is tried again.`)
    }
    log.error('data export failed for good', { export: export_id, key })
  }
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'gdpr/export_data': z.infer<typeof payload>
    }
  }
}
