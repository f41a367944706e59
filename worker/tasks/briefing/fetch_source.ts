/** Fetches one source and imports what is new. A feed that fails is recorded, not retried here: SQL plans its next turn. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'
import { fetchSource } from '../../sources/fetch-source.ts'

export const payload = z.object({ source_id: z.uuid() })

export const task = defineTask(payload, async ({ source_id }, context) => {
  const result = await fetchSource(source_id, context, context.signal)
  const fields = { source: source_id, outcome: result.outcome }
  if (result.outcome === 'failed') context.log.warn('source failed', { ...fields, key: result.error.key })
  else if (result.outcome === 'imported') context.log.info('source imported', { ...fields, ...result.counts })
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'briefing/fetch_source': z.infer<typeof payload>
    }
  }
}
