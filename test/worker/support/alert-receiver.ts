/** A real HTTP server that takes alerts as its owner would: reads the body, keeps the headers, answers as told. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { startWebServer } from './web-server.ts'

/** One request as it arrived. */
export type ReceivedAlert = { headers: IncomingMessage['headers']; body: string; path: string }

/** A receiver. `answer` can be replaced at any time. */
export type AlertReceiver = AsyncDisposable & {
  url: string
  port: number
  received: ReceivedAlert[]
  answer(how: (response: ServerResponse, alert: ReceivedAlert) => void): void
}

/** Starts it on loopback; it takes everything until told otherwise. */
export async function startAlertReceiver(): Promise<AlertReceiver> {
  const received: ReceivedAlert[] = []
  let how: (response: ServerResponse, alert: ReceivedAlert) => void = (response) => response.end()
  const server = await startWebServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (piece: string) => {
      body += piece
    })
    request.on('end', () => {
      const alert = { headers: request.headers, body, path: request.url ?? '' }
      received.push(alert)
      how(response, alert)
    })
  })
  return {
    url: `${server.url}/hook/key-in-path`,
    port: server.port,
    received,
    answer: (next) => {
      how = next
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
