/** Signs what we send to others' webhooks, the way that their libraries verify. Source: standardwebhooks.com, version 1. */
import { createHmac } from 'node:crypto'

/** What is sent. `id` stays the same when it is sent again: by it the receiver knows a repeat. */
export type Webhook = { id: string; secret: Buffer; body: string }

/** The headers of a signed POST. */
export function signWebhook({ id, secret, body }: Webhook, now: Date): Record<string, string> {
  const timestamp = String(Math.trunc(now.getTime() / 1000))
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  }
}
