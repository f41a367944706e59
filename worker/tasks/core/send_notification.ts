/**
 * Pushes one notification to one device, at most once. What it takes stands in the database as "sending" before anything
 * leaves; a worker that dies on the way leaves it so, and the job that comes again notes "unknown" instead of sending a
 * second time. What is to be tried again is queued by the database, for when the provider said.
 */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'
import { beginDelivery, finishDelivery } from '../../push/queued-delivery.ts'

export const payload = z.object({ delivery_id: z.uuid() })

export const task = defineTask(payload, async ({ delivery_id }, { pool, push, log, signal }) => {
  const delivery = await beginDelivery(pool, delivery_id)
  if (!delivery) return
  const outcome = await push(delivery, signal)
  // Words of push services may name devices, so they go to the outbox and not into the log.
  await finishDelivery(pool, delivery_id, outcome)
  if (outcome.outcome === 'sent' || outcome.outcome === 'skipped') return
  log.warn('push not delivered', {
    delivery: delivery_id,
    platform: delivery.platform,
    outcome: outcome.outcome,
  })
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/send_notification': z.infer<typeof payload>
    }
  }
}
