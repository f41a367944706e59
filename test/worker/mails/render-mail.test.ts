/** The words of every mail, in every language, and that nothing gets out of its place in HTML. */
import { expect, test } from 'vitest'
import { composeMail } from '../../../worker/mails/compose-mail.ts'
import { MAIL_KINDS, type QueuedMail } from '../../../worker/mails/queued-mail.ts'
import { renderMail } from '../../../worker/mails/render-mail.ts'

const TOKEN = 'T'.repeat(43)
const base: QueuedMail = {
  kind: 'reset_password',
  recipient: 'ada@example.com',
  locale: 'en',
  token: TOKEN,
  organization_name: null,
  device: null,
  facts: {},
  app_name: 'Howdah',
  app_url: 'https://app.example.com',
  sender: 'no-reply@example.com',
}
const LINKED = ['sign_up', 'verify_email', 'change_email', 'reset_password', 'invitation']

test.each(MAIL_KINDS.flatMap((kind) => ['en', 'de'].map((locale) => [kind, locale] as const)))(
  '%s in %s has a subject, text and HTML that say the same',
  (kind, locale) => {
    const token = LINKED.includes(kind) ? TOKEN : null
    const { subject, text, html } = renderMail({ ...base, kind, locale, token })
    expect(subject).toMatch(/Howdah/)
    expect(html).toContain(`<html lang="${locale}">`)
    expect(text).not.toMatch(/undefined|null/)
    for (const line of text.split('\n').filter((part) => part.length > 60))
      expect(html).toContain(line.slice(0, 50))
    expect(text.includes(TOKEN)).toBe(LINKED.includes(kind))
    expect(html.includes(TOKEN)).toBe(LINKED.includes(kind))
  },
)

test('languages we do not speak get English, regions their language', () => {
  expect(renderMail({ ...base, locale: 'ja' }).text).toMatch(/^Hello/)
  expect(renderMail({ ...base, locale: 'de-AT' }).text).toMatch(/^Guten Tag/)
})

test('the token stands behind the # of the link', () => {
  expect(renderMail(base).text).toContain(`https://app.example.com/reset-password#token=${TOKEN}`)
})

test('names are escaped in HTML, and a device name cannot become a link', () => {
  const { html, text } = renderMail({
    ...base,
    kind: 'new_device',
    token: null,
    app_name: 'Tom & "Jerry"',
    device: {
      name: 'visit https://evil.example/<b>now</b>',
      address: '198.51.100.7',
      signed_in_at: '2026-11-20T10:00:00Z',
    },
  })
  expect(html).toContain('Tom &amp; &quot;Jerry&quot;')
  expect(html).not.toContain('<b>')
  expect(text).not.toMatch(/evil\.example|:\/\/evil/)
  expect(text).toContain('198.51.100.7')
  expect(text).toContain('2026-11-20 10:00 UTC')
})

test('an address cannot add a header or a recipient', async () => {
  const { source } = await composeMail('0198c0de-0000-7000-8000-00000000000a', {
    ...base,
    app_name: 'Howdah\r\nBcc: evil@example.com',
  })
  const head = source.toString().split('\r\n\r\n')[0] ?? ''
  expect(head).not.toMatch(/^bcc:/im)
  expect(head).toMatch(/^To: ada@example\.com$/m)
  expect(head).toMatch(/^Auto-Submitted: auto-generated$/m)
  expect(head).toMatch(/^Message-ID: <0198c0de-0000-7000-8000-00000000000a@example\.com>$/m)
})
