/** A fetch that notes what went over it. */
import type { Fetch } from '../../sdk/src/index.ts'

/** One request and its answer's status. */
export type Sent = { method: string; path: string; token: string | undefined; status: number }

/** The global fetch, with a list of what was sent; the list is in the order of the answers. */
export function recordingFetch(): { fetch: Fetch; sent: Sent[]; count(path: string): number } {
  const sent: Sent[] = []
  const fetch: Fetch = async (input, init = {}) => {
    const answer = await globalThis.fetch(input, init)
    const headers = new Headers(init.headers)
    sent.push({
      method: init.method ?? 'GET',
      path: new URL(String(input)).pathname,
      token: headers.get('authorization')?.replace('Bearer ', ''),
      status: answer.status,
    })
    return answer
  }
  return { fetch, sent, count: (path) => sent.filter((one) => one.path === path).length }
}
