/** From what a mail is about to its words, once as text and once as HTML. */
import { escapeHtml } from './escape-html.ts'
import { mailLink } from './mail-link.ts'
import type { QueuedMail } from './queued-mail.ts'
import { textsForLocale } from './texts-for-locale.ts'

/** A mail that only has to be sent. */
export type RenderedMail = { subject: string; text: string; html: string }

/** Writes a mail in the recipient's language. */
export function renderMail(mail: QueuedMail): RenderedMail {
  const texts = textsForLocale(mail.locale)
  const { subject, paragraphs, action } = texts.mails[mail.kind]({
    appName: mail.app_name,
    organizationName: plainName(mail.organization_name),
    deviceName: plainName(mail.device?.name),
    deviceAddress: mail.device?.address ?? undefined,
    signedInAt: mail.device && inUtc(mail.device.signed_in_at),
    eraseAt: mail.facts.erase_at && inUtc(mail.facts.erase_at),
    recipients: mail.facts.recipients ?? [],
    alerts: mail.facts.alerts ?? [],
  } as Parameters<(typeof texts.mails)['sign_up']>[0])
  const link = action === undefined ? undefined : { label: action, url: mailLink(mail) }
  const [first, ...rest] = paragraphs
  const body = [texts.greeting, first ?? '', ...(link ? [`${link.label}:\n${link.url}`] : []), ...rest]
  return {
    subject,
    text: `${[...body, `-- \n${mail.app_name}`].join('\n\n')}\n`,
    html: html({
      language: texts.language,
      subject,
      greeting: texts.greeting,
      first: first ?? '',
      rest,
      link,
      mail,
    }),
  }
}

/** To the minute. */
function inUtc(instant: string): string {
  return `${instant.slice(0, 16).replace('T', ' ')} UTC`
}

type Parts = {
  language: string
  subject: string
  greeting: string
  first: string
  rest: string[]
  link: { label: string; url: string } | undefined
  mail: QueuedMail
}

function html({ language, subject, greeting, first, rest, link, mail }: Parts): string {
  const paragraph = (text: string) => `<p style="margin:0 0 16px">${escapeHtml(text)}</p>`
  const button = link
    ? `<p style="margin:0 0 16px"><a href="${escapeHtml(link.url)}" style="display:inline-block;padding:12px 20px;border-radius:6px;background:#1f4d3a;color:#ffffff;text-decoration:none">${escapeHtml(link.label)}</a></p>`
    : ''
  return `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(subject)}</title></head>
<body style="margin:0;padding:24px;background:#ffffff;color:#1c1c1c;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:560px;margin:0 auto">
${[paragraph(greeting), paragraph(first), button, ...rest.map(paragraph)].filter(Boolean).join('\n')}
<p style="margin:24px 0 0;color:#5c5c5c">${escapeHtml(mail.app_name)}</p>
</div>
</body>
</html>
`
}

/** These names come from strangers: without dots and slashes no mail program makes a link of one. */
function plainName(name: string | null | undefined): string | undefined {
  return (
    name
      ?.replace(/[^\p{L}\p{N} &,()'_-]+/gu, ' ')
      .trim()
      .slice(0, 80) || undefined
  )
}
