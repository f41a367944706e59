/**
 * Posts one alert, at least once: a worker that dies on the way leaves it "sending", and the job that comes again posts
 * it again under the same webhook-id, by which the receiver knows it. What is to be tried again is queued by the database.
 */
import type pg from 'pg'
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'
import { guardedPost } from '../../outgoing/guarded-post.ts'
import type { PostResult } from '../../outgoing/post-result.ts'
import { retryAfterSeconds } from '../../outgoing/retry-after.ts'
import { signedRequest } from '../../outgoing/signed-request.ts'

export const payload = z.object({ delivery_id: z.uuid() })

const begun = z.tuple([z.object({ request: signedRequest.nullable() })])

/** What an attempt came to, as ops.finish_alert_delivery() takes it. */
type Outcome = { outcome: 'sent' | 'later' | 'gone'; error?: string; retryAfter?: number | undefined }

/** A receiver that has not answered by then has not taken it. */
const PATIENCE_MS = 10_000

export const task = defineTask(payload, async ({ delivery_id }, { pool, allow, log, signal }) => {
  const { rows } = await pool.query('select ops.begin_alert_delivery($1) as request', [delivery_id])
  const [{ request }] = begun.parse(rows)
  if (!request) return
  const post = guardedPost({ allow, limits: { totalTimeoutMs: PATIENCE_MS } })
  const result = await post({ ...request, body: Buffer.from(request.body) }, signal)
  const outcome = outcomeOf(result)
  await finish(pool, delivery_id, outcome)
  if (outcome.outcome === 'sent') return
  // The path of the address may hold a key; a failure names the host only.
  log.warn('alert not delivered', {
    delivery: delivery_id,
    reason: outcome.error,
    ...(result.kind === 'answer' ? {} : { detail: result.error }),
  })
})

function outcomeOf(result: PostResult): Outcome {
  if (result.kind === 'not_sent') return { outcome: 'later', error: 'not_reached' }
  if (result.kind === 'lost') return { outcome: 'later', error: 'no_answer' }
  if (result.status >= 200 && result.status <= 299) return { outcome: 'sent' }
  const error = `status_${result.status}`
  // "Gone": the receiver does not want any of them. Source: Standard Webhooks specification.
  if (result.status === 410) return { outcome: 'gone', error }
  return { outcome: 'later', error, retryAfter: retryAfterSeconds(result.retryAfter, new Date()) }
}

async function finish(pool: pg.Pool, id: string, { outcome, error, retryAfter }: Outcome): Promise<void> {
  await pool.query('select ops.finish_alert_delivery($1, $2, $3, $4)', [
    id,
    outcome,
    error ?? null,
    retryAfter ?? null,
  ])
}

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/deliver_alert': z.infer<typeof payload>
    }
  }
}
