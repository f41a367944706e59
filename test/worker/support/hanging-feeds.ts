/** A server that takes requests for feeds and sends white space, slowly, until told to answer. */
import type { ServerResponse } from 'node:http'
import { expect } from 'vitest'
import { startWebServer, type WebServer } from './web-server.ts'

/** Often enough that no reader calls it silence. */
const DRIP_EVERY_MS = 1000

/** Requests are counted by the first part of their path. */
export type HangingFeeds = AsyncDisposable & {
  url: string
  count(label: string): number
  /** Waits until this many requests have come. */
  asked(times: number, label: string): Promise<void>
  /** Answers all that hang, and from now on at once. */
  answer(): void
}

/** Starts the server. */
export async function startHangingFeeds(): Promise<HangingFeeds> {
  const hanging: ServerResponse[] = []
  const drip = setInterval(() => {
    for (const response of hanging) response.write(' ')
  }, DRIP_EVERY_MS)
  let isAnswering = false
  const answer = (response: ServerResponse) =>
    response.end(
      '<rss version="2.0"><channel><title>Late</title><item><title>One</title></item></channel></rss>',
    )
  const server: WebServer = await startWebServer((_, response) => {
    response.writeHead(200)
    if (isAnswering) answer(response)
    else hanging.push(response)
  })
  const count = (label: string) => server.requests.filter(({ url }) => url?.startsWith(`/${label}/`)).length
  return {
    url: server.url,
    count,
    asked: async (times, label) => {
      await expect.poll(() => count(label), { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(times)
    },
    answer: () => {
      isAnswering = true
      for (const response of hanging.splice(0)) answer(response)
    },
    [Symbol.asyncDispose]: () => {
      clearInterval(drip)
      return server[Symbol.asyncDispose]()
    },
  }
}
