/** What each way in which a mail server can fail comes to. A mail that may have gone out is never called waiting. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../../../stack/free-port.ts'
import type { OutgoingMail } from '../../../worker/mails/mail-delivery.ts'
import { smtpDelivery } from '../../../worker/mails/smtp-delivery.ts'
import { type MailServer, startMailServer } from '../support/mail-server.ts'

const mail: OutgoingMail = {
  id: 'an-id',
  kind: 'verify_email',
  sender: 'no-reply@example.com',
  recipient: 'ada@example.com',
  source: Buffer.from('Subject: Hello\r\n\r\nHello, Ada.\r\n'),
}
let server: MailServer
beforeEach(async () => {
  server = await startMailServer()
})
afterEach(() => server[Symbol.asyncDispose]())

test('a mail that the server takes is sent', async () => {
  expect(await smtpDelivery(server.url)(mail)).toEqual({ state: 'sent' })
  expect(server.received).toMatchObject([{ to: 'ada@example.com', message: { subject: 'Hello' } }])
})

test.each([
  ['a refusal for good', 'refuse', 'failed'],
  ['a refusal for now', 'later', 'waiting'],
  ['a connection cut after the mail was handed over', 'cut', 'unknown'],
] as const)('%s', async (_what, behaviour, state) => {
  server.behave(behaviour)
  expect(await smtpDelivery(server.url)(mail)).toMatchObject({ state, error: expect.stringMatching(/\w/) })
})

test('no server at all: waiting', async () => {
  const outcome = await smtpDelivery(`smtp://127.0.0.1:${await freePort()}`)(mail)
  expect(outcome).toMatchObject({ state: 'waiting', error: expect.stringMatching(/ECONNREFUSED/) })
})

test('logs in where the URL has a password, and waits when it is wrong', async () => {
  await using guarded = await startMailServer({ user: 'howdah', pass: 'p@ss word' })
  const { host } = new URL(guarded.url.replace('p@ss word', ''))
  const right = `smtp://howdah:${encodeURIComponent('p@ss word')}@${host}`
  expect(await smtpDelivery(right)(mail)).toEqual({ state: 'sent' })
  expect(await smtpDelivery(`smtp://howdah:wrong@${host}`)(mail)).toMatchObject({ state: 'waiting' })
  expect(guarded.received).toHaveLength(1)
})
