/** Sends requests as whoever is signed in; a token that has expired is renewed and the request sent once more. */

import { keyOfCode } from '../errors/key-of-code.ts'
import { errorBody } from '../errors/to-api-error.ts'
import type { Fetch } from './bounded-fetch.ts'

/** What the transport needs to know of the session. */
export type TokenSource = {
  /** The access token to send, renewed if it is about to expire; undefined when nobody is signed in. */
  token(): Promise<string | undefined>
  /** A newer token than the one the server refused; undefined when there is none to be had. */
  replace(refused: string): Promise<string | undefined>
  /** The server says that the session of this token is over. */
  ended(token: string): Promise<void>
}

/** Wraps a fetch. A request that brings its own Authorization is left alone. */
export function authorizedFetch(send: Fetch, source: TokenSource): Fetch {
  return async (input, init = {}) => {
    if (new Headers(init.headers).has('authorization')) return send(input, init)
    const token = await source.token()
    if (token === undefined) return send(input, init)
    const response = await send(input, withToken(init, token))
    if (response.status !== 401) return response
    const key = await refusalKey(response, init)
    if (key === 'session_ended') await source.ended(token)
    if (key !== 'token_expired' && key !== 'token_invalid') return response
    // The server looks at the token before it does anything, so sending again cannot do anything twice.
    const newer = await source.replace(token)
    return newer === undefined ? response : send(input, withToken(init, newer))
  }
}

function withToken(init: RequestInit, token: string): RequestInit {
  // A plain object: some fetches outside browsers and Node drop what a Headers object holds.
  const headers = { ...Object.fromEntries(new Headers(init.headers)), authorization: `Bearer ${token}` }
  return { ...init, headers }
}

async function refusalKey(response: Response, init: RequestInit): Promise<string | undefined> {
  // An answer to HEAD has no body to say more; asking for a newer token finds out.
  if (init.method === 'HEAD') return 'token_invalid'
  const parsed = errorBody.safeParse(await response.clone().json())
  return parsed.success ? (keyOfCode(parsed.data.code) ?? parsed.data.message) : undefined
}
