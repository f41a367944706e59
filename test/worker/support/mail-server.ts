/** A real SMTP server on loopback that keeps what it gets and can misbehave at any step. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer } from 'smtp-server'

/** A mail as it arrived: the envelope's recipient and the parsed message. */
export type ReceivedMail = { to: string; message: Email; source: string }

/** What happens to the next mails. `hang`: takes the whole mail and never answers; `cut`: takes it and hangs up. */
export type Behaviour = 'accept' | 'refuse' | 'later' | 'hang' | 'cut'

/** The server. */
export type MailServer = AsyncDisposable & {
  url: string
  received: ReceivedMail[]
  behave(behaviour: Behaviour): void
  /** Waits until so many mails for an address are there; answers with the last. */
  mailFor(address: string, count?: number): Promise<ReceivedMail>
}

/** Starts it. With credentials it takes mail only after a login. */
export async function startMailServer(credentials?: { user: string; pass: string }): Promise<MailServer> {
  const received: ReceivedMail[] = []
  const waiting = new Set<() => void>()
  let behaviour: Behaviour = 'accept'
  const server = new SMTPServer({
    disabledCommands: credentials ? ['STARTTLS'] : ['STARTTLS', 'AUTH'],
    authOptional: !credentials,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    onAuth: ({ username, password }, _session, done) => {
      const isRight = username === credentials?.user && password === credentials?.pass
      done(isRight ? null : new Error('wrong credentials'), isRight ? { user: username } : undefined)
    },
    onData: async (stream, session, done) => {
      const source = await wholeMail(stream)
      // Whoever was sending has gone in the middle of it: no mail.
      if (!source) return
      if (behaviour === 'refuse') return done(smtpError(550, 'No such mailbox'))
      if (behaviour === 'later') return done(smtpError(451, 'Try again later'))
      const message = await PostalMime.parse(source)
      const to = session.envelope.rcptTo.map(({ address }) => address).join(',')
      received.push({ to, message, source: source.toString() })
      for (const look of waiting) look()
      if (behaviour === 'hang') return
      if (behaviour === 'cut') return cutAll()
      done()
    },
  })
  server.on('error', () => undefined)
  const cutAll = () => {
    for (const connection of server.connections) connection.close()
  }
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  const login = credentials ? `${credentials.user}:${credentials.pass}@` : ''
  return {
    url: `smtp://${login}127.0.0.1:${port}`,
    received,
    behave: (next) => {
      behaviour = next
    },
    mailFor: (address, count = 1) =>
      new Promise((resolve) => {
        const look = () => {
          const mails = received.filter(({ to }) => to === address)
          const last = mails.at(-1)
          if (!last || mails.length < count) return
          waiting.delete(look)
          resolve(last)
        }
        waiting.add(look)
        look()
      }),
    async [Symbol.asyncDispose]() {
      cutAll()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** The token in a mail's link. */
export function tokenIn({ message }: ReceivedMail): string {
  const token = /#token=([A-Za-z0-9_-]{43})\b/.exec(message.text ?? '')?.[1]
  if (!token) throw new Error(`There is no link with a token in: ${message.text}`)
  return token
}

function smtpError(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}

async function wholeMail(stream: AsyncIterable<Buffer>): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of stream) chunks.push(chunk)
  } catch {
    return undefined
  }
  return Buffer.concat(chunks)
}
