/**
 * Tells one recipient of personal data that somebody was erased. It may go out twice when a worker dies at the wrong
 * moment; both carry the same webhook-id, by which the receiver acts once. What is to be tried again is queued by the
 * database.
 */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'
import { guardedPost } from '../../outgoing/guarded-post.ts'
import { signedRequest } from '../../outgoing/signed-request.ts'

export const payload = z.object({ notice_id: z.uuid() })

const taken = z.tuple([z.object({ notice: signedRequest.nullable() })])

export const task = defineTask(payload, async ({ notice_id }, { pool, allow, log, signal }) => {
  const { rows } = await pool.query('select gdpr.begin_notice($1) as notice', [notice_id])
  const { notice } = taken.parse(rows)[0]
  if (!notice) return
  const result = await guardedPost({ allow })({ ...notice, body: Buffer.from(notice.body) }, signal)
  const isTold = result.kind === 'answer' && result.status >= 200 && result.status < 300
  const error = result.kind === 'answer' ? `HTTP ${result.status}` : result.error
  await pool.query('select gdpr.finish_notice($1, $2, $3)', [notice_id, isTold, isTold ? null : error])
  if (!isTold) log.warn('recipient not told', { notice: notice_id, error })
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'gdpr/tell_recipient': z.infer<typeof payload>
    }
  }
}
