/** The database's side of mails: taking one for sending, and noting what became of it. */
import type pg from 'pg'
import { z } from 'zod'

/** Every kind of mail there is; core.mails knows the same. */
export const MAIL_KINDS = [
  'sign_up',
  'account_exists',
  'verify_email',
  'reset_password',
  'password_changed',
  'change_email',
  'email_change_requested',
  'email_changed',
  'new_device',
  'invitation',
  'totp_enabled',
  'totp_disabled',
  'recovery_code_used',
  'recovery_codes_regenerated',
  'identity_linked',
  'identity_unlinked',
  'deletion_requested',
  'deletion_soon',
  'deletion_cancelled',
  'deletion_held',
  'account_erased',
  'data_export_ready',
  'alert',
] as const

/** What a mail is about. */
export type MailKind = (typeof MAIL_KINDS)[number]

/** What happened to an alert, as ops.queue_alert_deliveries() writes it. */
const alertNews = z.object({
  event: z.enum(['opened', 'changed', 'resolved']),
  severity: z.enum(['warn', 'critical']),
  metric: z.string(),
  labels: z.record(z.string(), z.unknown()),
  value: z.number(),
  unit: z.string(),
  summary: z.string(),
})

/** One of them. */
export type AlertNews = z.infer<typeof alertNews>

const queuedMail = z.object({
  kind: z.enum(MAIL_KINDS),
  recipient: z.string(),
  locale: z.string(),
  token: z.string().nullable(),
  /** Who invites. */
  organization_name: z.string().nullable(),
  /** What else the text mentions. */
  facts: z.object({
    erase_at: z.iso.datetime().optional(),
    recipients: z.array(z.string()).optional(),
    /** For operators. */
    alerts: z.array(alertNews).min(1).optional(),
  }),
  device: z
    .object({ name: z.string().nullable(), address: z.string().nullable(), signed_in_at: z.iso.datetime() })
    .nullable(),
  app_name: z.string(),
  app_url: z.url({ protocol: /^https?$/ }),
  sender: z.string(),
})

/** A mail as it was taken from the outbox. `token` exists here and in the mail, nowhere else. */
export type QueuedMail = z.infer<typeof queuedMail>

/** What a delivery can come to. `waiting`: it certainly did not go out, so it may be tried again. */
export type MailState = 'sent' | 'failed' | 'unknown' | 'waiting'

/** Takes a mail for sending; null when it went out, may have gone out, or has nobody to go to. */
export async function beginMail(pool: pg.Pool, mailId: string): Promise<QueuedMail | null> {
  const { rows } = await pool.query('select core.begin_mail($1) as mail', [mailId])
  return z.tuple([z.object({ mail: queuedMail.nullable() })]).parse(rows)[0].mail
}

/** Notes what became of a mail that was taken. */
export async function finishMail(
  pool: pg.Pool,
  mailId: string,
  state: MailState,
  error?: string,
): Promise<void> {
  await pool.query('select core.finish_mail($1, $2, $3)', [mailId, state, error ?? null])
}
