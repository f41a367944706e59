/** Google and Apple on loopback, over TLS, as far as their documentation goes; each says what the test tells it to. */
import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto'
import { createSecureServer, type ServerHttp2Stream } from 'node:http2'
import { createServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { QueuedDelivery } from '../../../worker/push/queued-delivery.ts'
import { testCertificate } from './test-certificate.ts'

/** An answer; `refuse the stream` is HTTP/2's own. */
export type Said = { status: number; headers?: Record<string, string>; body?: string }

/** A request as it came. */
export type Asked = { path: string; headers: Record<string, unknown>; body: string }

/** One of the two. `says` and `asked` are the test's to write. */
export type PhoneService = AsyncDisposable & {
  url: string
  says: Said | 'refuse the stream' | 'hang'
  asked: Asked[]
  /** The account's or the developer's key pair, as PEM. */
  privateKey: string
  publicKey: string
}

/** FCM, and beside it the server that trades assertions for access tokens. */
export async function startGoogle(): Promise<PhoneService & { tokenRequests: string[] }> {
  const server = createServer(await trustedCertificate(), async (request, response) => {
    const body = await text(request)
    if (request.url === '/token') {
      google.tokenRequests.push(body)
      const access_token = `access-${google.tokenRequests.length}`
      response.end(JSON.stringify({ access_token, expires_in: 3600 }))
    } else if (typeof google.says === 'object') {
      google.asked.push({ path: request.url ?? '', headers: request.headers, body })
      response.writeHead(google.says.status, google.says.headers).end(google.says.body)
    }
  })
  const google = {
    ...(await listening(server, generateKeyPairSync('rsa', { modulusLength: 2048 }))),
    tokenRequests: [] as string[],
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
  return google
}

/** APNs, over HTTP/2. `hangUp` ends every connection there is. */
export async function startApple(): Promise<PhoneService & { connections: () => number; hangUp(): void }> {
  const server = createSecureServer(await trustedCertificate())
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', (session) => sessions.add(session))
  server.on('stream', async (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined)
    if (apple.says === 'refuse the stream') return stream.close(7)
    apple.asked.push({ path: headers[':path'] ?? '', headers, body: await text(stream) })
    if (typeof apple.says !== 'object') return
    stream.respond({ ':status': apple.says.status, ...apple.says.headers })
    stream.end(apple.says.body ?? '')
  })
  const hangUp = () => {
    for (const session of sessions) session.destroy()
  }
  const apple = {
    ...(await listening(server, generateKeyPairSync('ec', { namedCurve: 'P-256' }))),
    connections: () => sessions.size,
    hangUp,
    [Symbol.asyncDispose]: async () => {
      hangUp()
      server.close()
    },
  }
  return apple
}

/** What is sent to both. */
export function phoneDelivery(platform: 'ios' | 'android'): QueuedDelivery {
  return {
    platform,
    token: platform === 'ios' ? 'ab'.repeat(32) : 'device:APA91b-token',
    message: {
      id: '01a1f969-4caf-79a0-947f-4699e4dd5bb0',
      kind: 'security',
      title: 'Hello',
      body: 'You',
      data: { a: 1 },
    },
    is_urgent: true,
    collapse_key: 'one',
    ttl_seconds: 3600,
  }
}

/** A certificate that this process trusts from here on. */
async function trustedCertificate(): Promise<{ key: string; cert: string }> {
  const { key, cert } = await testCertificate()
  setDefaultCACertificates([...getCACertificates('default'), cert])
  return { key, cert }
}

async function listening(server: Server, { privateKey, publicKey }: KeyPairKeyObjectResult) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    says: { status: 200 } as PhoneService['says'],
    asked: [] as Asked[],
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}
