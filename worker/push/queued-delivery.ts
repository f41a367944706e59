/** The database's side of pushes: taking a delivery for sending, and noting what became of it. */
import type pg from 'pg'
import { z } from 'zod'
import type { PushOutcome } from './push-outcome.ts'

const message = z.object({
  id: z.uuid(),
  kind: z.string(),
  title: z.string(),
  body: z.string(),
  data: z.record(z.string(), z.json()),
})

const common = {
  token: z.string(),
  message,
  is_urgent: z.boolean(),
  collapse_key: z.string().nullable(),
  /** Seconds until nobody wants it any more. */
  ttl_seconds: z.int().nonnegative(),
}

const webKeys = z.object({
  p256dh: z.string(),
  auth: z.string(),
  public_key: z.string(),
  private_key: z.string(),
  contact: z.string(),
})

const queuedDelivery = z.discriminatedUnion('platform', [
  z.object({ platform: z.literal('web'), keys: webKeys, ...common }),
  z.object({ platform: z.enum(['ios', 'android']), ...common }),
])

/** A delivery as it was taken from the outbox. `token` names the device: a token, for web the subscription's endpoint. */
export type QueuedDelivery = z.infer<typeof queuedDelivery>

/** Takes a delivery for sending; null when there is nothing to send now, or it may have gone out before. */
export async function beginDelivery(pool: pg.Pool, deliveryId: string): Promise<QueuedDelivery | null> {
  const { rows } = await pool.query('select core.begin_delivery($1) as delivery', [deliveryId])
  return z.tuple([z.object({ delivery: queuedDelivery.nullable() })]).parse(rows)[0].delivery
}

/** Notes what became of a delivery that was taken, and has it tried again where the outcome is `later`. */
export async function finishDelivery(pool: pg.Pool, deliveryId: string, outcome: PushOutcome): Promise<void> {
  await pool.query('select core.finish_delivery($1, $2, $3, $4)', [
    deliveryId,
    outcome.outcome,
    'error' in outcome ? outcome.error : null,
    ('retryAfterSeconds' in outcome ? outcome.retryAfterSeconds : undefined) ?? null,
  ])
}
