/**
 * A real push service on loopback, over TLS, with browsers that subscribe to it. What arrives is decrypted as a browser
 * does it (RFC 8291), written here from the RFC and node:crypto alone, and its VAPID token is verified by jose.
 */
import { createDecipheriv, createECDH, type ECDH, hkdfSync, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type JWTPayload, jwtVerify } from 'jose'
import { testCertificate } from './test-certificate.ts'

/** A push as it arrived at one browser. */
export type ReceivedPush = { path: string; headers: IncomingMessage['headers']; body: Buffer }

/** A browser's subscription, the way JSON.stringify writes it. */
export type Subscription = { endpoint: string; keys: { p256dh: string; auth: string } }

/** A subscribed browser. */
export type Browser = {
  subscription: Subscription
  received: ReceivedPush[]
  /** What the service page would show: the decrypted message. */
  read(push: ReceivedPush): unknown
}

/** What the service does with a push; without it: 201. `reset` breaks the connection off. */
export type Behaviour = (response: ServerResponse, reset: () => void) => void

/** The service. */
export type PushService = AsyncDisposable & {
  port: number
  /** A path of a file with the certificate, for NODE_EXTRA_CA_CERTS. */
  certificateFile: string
  subscribe(behave?: Behaviour): Browser
  /** What every worker of a test needs to reach this service. */
  env: Record<string, string>
}

/** Starts it. */
export async function startPushService(): Promise<PushService> {
  const certificate = await testCertificate()
  const browsers = new Map<string, { browser: Browser; behave: Behaviour }>()
  const server = createServer({ key: certificate.key, cert: certificate.cert }, async (request, response) => {
    const push = { path: request.url ?? '', headers: request.headers, body: await buffer(request) }
    const known = browsers.get(push.path)
    if (!known) return response.writeHead(404).end()
    known.browser.received.push(push)
    known.behave(response, () => sockets.get(request.socket.remotePort)?.resetAndDestroy())
  })
  // Under each TLS connection lies a TCP one, which alone can be reset.
  const sockets = new Map<number | undefined, Socket>()
  server.on('connection', (socket: Socket) => sockets.set(socket.remotePort, socket))
  // A worker that is killed hangs up in the middle.
  server.on('clientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    certificateFile: certificate.file,
    env: { HOWDAH_FETCH_ALLOW: `127.0.0.1:${port}`, NODE_EXTRA_CA_CERTS: certificate.file },
    subscribe: (behave = accept) => {
      const path = `/push/${randomBytes(9).toString('base64url')}`
      const browser = createBrowser(`https://127.0.0.1:${port}${path}`)
      browsers.set(path, { browser, behave })
      return browser
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What a push service answers when all is well. */
export const accept: Behaviour = (response) => response.writeHead(201, { location: '/message/1' }).end()

function createBrowser(endpoint: string): Browser {
  const keys = createECDH('prime256v1')
  keys.generateKeys()
  const auth = randomBytes(16)
  return {
    subscription: {
      endpoint,
      keys: { p256dh: keys.getPublicKey().toString('base64url'), auth: auth.toString('base64url') },
    },
    received: [],
    read: (push) => JSON.parse(decrypt(push.body, keys, auth).toString('utf8')),
  }
}

/** RFC 8291 section 3.4 and RFC 8188 section 2, for one record. */
function decrypt(body: Buffer, keys: ECDH, auth: Buffer): Buffer {
  const salt = body.subarray(0, 16)
  const recordSize = body.readUInt32BE(16)
  const senderKey = body.subarray(21, 21 + body.readUInt8(20))
  const record = body.subarray(21 + senderKey.length)
  if (record.length > recordSize) throw new Error('More than one record came.')
  const keyInfo = Buffer.concat([Buffer.from('WebPush: info\0'), keys.getPublicKey(), senderKey])
  const secret = Buffer.from(hkdfSync('sha256', keys.computeSecret(senderKey), auth, keyInfo, 32))
  const derive = (info: string, length: number) => Buffer.from(hkdfSync('sha256', secret, salt, info, length))
  const decipher = createDecipheriv(
    'aes-128-gcm',
    derive('Content-Encoding: aes128gcm\0', 16),
    derive('Content-Encoding: nonce\0', 12),
  )
  decipher.setAuthTag(record.subarray(-16))
  const plain = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()])
  const end = plain.lastIndexOf(2)
  if (end < 0) throw new Error('The last record has no delimiter.')
  return plain.subarray(0, end)
}

/** Verifies the VAPID header of a push against the key the API tells browsers, and answers with its claims. */
export async function vapidClaims(
  push: ReceivedPush,
  publicKey: string,
  audience: string,
): Promise<JWTPayload> {
  const match = /^vapid t=([^,\s]+), ?k=(\S+)$/.exec(push.headers.authorization ?? '')
  if (match?.[2] !== publicKey) throw new Error(`Another key signed: ${push.headers.authorization}`)
  const point = Buffer.from(publicKey, 'base64url')
  const key = {
    kty: 'EC',
    crv: 'P-256',
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  }
  return (await jwtVerify(match[1] ?? '', key, { algorithms: ['ES256'], audience })).payload
}
