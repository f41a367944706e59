/** What a way to deliver mail is. */
import type { MailKind, MailState } from './queued-mail.ts'

/** A mail as it goes over the wire. */
export type OutgoingMail = {
  id: string
  kind: MailKind
  sender: string
  recipient: string
  /** RFC 5322 message with its headers. */
  source: Buffer
}

/** What a delivery came to; `error` is for operators. */
export type DeliveryOutcome = { state: 'sent' } | { state: Exclude<MailState, 'sent'>; error: string }

/** Delivers one mail. Never throws for what a mail server or a disk does; the outcome says it. */
export type DeliverMail = (mail: OutgoingMail) => Promise<DeliveryOutcome>
