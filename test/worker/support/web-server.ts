/** A real HTTP server on loopback that counts who came. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A running server. `connections` counts TCP connections, answered or not. */
export type WebServer = AsyncDisposable & {
  url: string
  port: number
  connections: () => number
  requests: IncomingMessage[]
}

/** Starts a server; close it with `await using` or in afterAll. (Default host: 127.0.0.1) */
export async function startWebServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  host = '127.0.0.1',
  port = 0,
): Promise<WebServer> {
  const requests: IncomingMessage[] = []
  let connections = 0
  const listener: RequestListener = (request, response) => {
    requests.push(request)
    answer(request, response)
  }
  const server = createServer(listener)
  server.on('connection', () => connections++)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const address = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    connections: () => connections,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
