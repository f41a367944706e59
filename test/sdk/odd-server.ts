/** A local HTTP server that answers as it is told. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server on a free port of the loopback. */
export type OddServer = AsyncDisposable & { url: string; requests: () => number }

/** Starts it; every request is given to `answer`. */
export async function oddServer(answer: RequestListener): Promise<OddServer> {
  let requests = 0
  const server: Server = createServer((request, response) => {
    requests++
    response.on('error', () => {})
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
