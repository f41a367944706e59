/** Builds the message: headers, text and HTML in one MIME tree. */
import MailComposer from 'nodemailer/lib/mail-composer'
import type { OutgoingMail } from './mail-delivery.ts'
import type { QueuedMail } from './queued-mail.ts'
import { renderMail } from './render-mail.ts'

/** Composes a mail. Its Message-ID is made of the mail's id, so that a copy shows as one. */
export async function composeMail(id: string, mail: QueuedMail): Promise<OutgoingMail> {
  const { subject, text, html } = renderMail(mail)
  const composer = new MailComposer({
    from: { name: mail.app_name, address: mail.sender },
    to: { name: '', address: mail.recipient },
    subject,
    text,
    html,
    messageId: `<${id}@${mail.sender.split('@').at(-1)}>`,
    // Out-of-office robots stay quiet. Source: RFC 3834.
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    id,
    kind: mail.kind,
    sender: mail.sender,
    recipient: mail.recipient,
    source: await composer.compile().build(),
  }
}
