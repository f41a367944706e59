/**
 * Sends one mail, at most once. What it takes stands in the database as "sending" before anything leaves; a worker that
 * dies on the way leaves it so, and the job that comes again notes "unknown" instead of sending a second time.
 */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'
import { composeMail } from '../../mails/compose-mail.ts'
import { beginMail, finishMail } from '../../mails/queued-mail.ts'
import { WorkerError } from '../../worker-error.ts'

export const payload = z.object({ mail_id: z.uuid() })

export const task = defineTask(payload, async ({ mail_id }, { pool, deliver, log }) => {
  const mail = await beginMail(pool, mail_id)
  if (!mail) return
  const outcome = await deliver(await composeMail(mail_id, mail))
  if (outcome.state === 'sent') return finishMail(pool, mail_id, 'sent')

  // Answers of mail servers name addresses, so they go to the outbox and not into the log.
  await finishMail(pool, mail_id, outcome.state, outcome.error)
  if (outcome.state === 'waiting') {
    throw new WorkerError(
      'mail_not_sent',
      `Mail ${mail_id} (${mail.kind}) did not go out; it is tried again.`,
      {
        hint: 'core.mails holds the answer in last_error. HOWDAH_SMTP_URL names the mail server.',
      },
    )
  }
  log.warn('mail not delivered', { mail: mail_id, kind: mail.kind, state: outcome.state })
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/send_mail': z.infer<typeof payload>
    }
  }
}
