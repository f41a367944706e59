/** A fetch that always answers in time: what goes wrong becomes an answer in the API's own error shape. */
import { checkedResponse, copied } from './checked-response.ts'
import { failureResponse } from './failure-response.ts'

/** What the SDK needs of fetch. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** The media type of answers that are no text. */
export const BINARY = 'application/octet-stream'

/**
 * Wraps a fetch. The time runs until the last byte of the body has come, and also when `fetch` ignores its signal.
 * A redirect is refused: the API sends none, and a token must not follow one. Never rejects, never tries twice.
 */
export function boundedFetch(fetch: Fetch, timeoutMs: number): Fetch {
  return async (input, init = {}) => {
    const timeout = AbortSignal.timeout(timeoutMs)
    const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout
    try {
      return await Promise.race([
        answer(fetch, input, { redirect: 'error', ...init, signal }),
        rejectWhen(signal),
      ])
    } catch (error) {
      if (timeout.aborted) {
        return failureResponse({
          key: 'timeout',
          status: 0,
          detail: `No whole answer within ${timeoutMs} ms.`,
        })
      }
      if (init.signal?.aborted)
        return failureResponse({ key: 'aborted', status: 0, detail: describe(init.signal.reason) })
      return failureResponse({ key: 'network_error', status: 0, detail: describe(error) })
    }
  }
}

async function answer(fetch: Fetch, input: string | URL | Request, init: RequestInit): Promise<Response> {
  const response = await fetch(input, init)
  if (response.ok && isBinary(response)) return copied(response, await response.arrayBuffer())
  return checkedResponse(response, await response.text(), init)
}

/** The API answers with bytes to nobody who did not ask for them. */
function isBinary({ headers }: Response): boolean {
  return headers.get('content-type') === BINARY
}

function rejectWhen(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const give = () => reject(signal.reason)
    if (signal.aborted) give()
    else signal.addEventListener('abort', give, { once: true })
  })
}

/** Node hides the reason (ECONNREFUSED and the like) in the cause. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? `: ${error.cause.message || error.cause.name}` : ''
  return `${error.message}${cause}`
}
