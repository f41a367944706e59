/** Sends through a mail server, one connection a mail, and tells apart what it knows from what it does not. */
import SMTPConnection, { type SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection'
import type { DeliverMail, DeliveryOutcome, OutgoingMail } from './mail-delivery.ts'

/** A mail server that does not answer is given up on before anybody wonders where the worker is. */
const CONNECT_TIMEOUT_MS = 10_000
const SOCKET_TIMEOUT_MS = 30_000

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Sends over a URL such as smtp://user:password@mail.example.com:587 (STARTTLS) or smtps://… (TLS at once). */
export function smtpDelivery(smtpUrl: string): DeliverMail {
  const url = new URL(smtpUrl)
  const isSecure = url.protocol === 'smtps:'
  const credentials = url.username
    ? { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }
    : undefined
  const options: SMTPConnectionOptions = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (isSecure ? 465 : 587),
    secure: isSecure,
    // A password goes over the network only under TLS.
    requireTLS: !isSecure && credentials !== undefined && !LOOPBACK.test(url.hostname),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
  }
  return (mail) => deliver(options, credentials, mail)
}

async function deliver(
  options: SMTPConnectionOptions,
  credentials: { user: string; pass: string } | undefined,
  mail: OutgoingMail,
): Promise<DeliveryOutcome> {
  const connection = new SMTPConnection(options)
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => undefined)
  connection.on('error', broken.reject)
  connection.once('end', () => broken.reject(new Error('The mail server closed the connection.')))
  const step = (start: (done: (error?: Error | null) => void) => void): Promise<void> =>
    Promise.race([
      broken.promise,
      new Promise<void>((resolve, reject) => start((error) => (error ? reject(error) : resolve()))),
    ])
  let isHandedOver = false
  try {
    await step((done) => connection.connect(done))
    if (credentials) await step((done) => connection.login({ credentials }, done))
    isHandedOver = true
    await step((done) => connection.send({ from: mail.sender, to: [mail.recipient] }, mail.source, done))
    connection.quit()
    return { state: 'sent' }
  } catch (error) {
    connection.close()
    return { state: stateAfter(error, isHandedOver), error: String(error) }
  }
}

/** The server's own word decides (RFC 5321: 4yz later, 5yz never); silence after the handover leaves it open. */
function stateAfter(error: unknown, isHandedOver: boolean): 'failed' | 'unknown' | 'waiting' {
  if (!isHandedOver) return 'waiting'
  const code = (error as { responseCode?: number }).responseCode
  if (code === undefined) return 'unknown'
  return code >= 500 ? 'failed' : 'waiting'
}
