/** Decides which token a request carries, and when it is renewed. */
import type { TokenSource } from '../transport/authorized-fetch.ts'
import type { Refresh } from './refresher.ts'
import type { SessionStore } from './session-store.ts'

/** A token with less than this left is renewed first: a slow request must not outlive it. */
const MARGIN_MS = 30_000

/** What the source works with. */
export type TokenSourceOptions = {
  store: SessionStore
  refresh: Refresh
  now: () => number
  /** False: tokens are renewed by auth.refresh() only. */
  autoRefresh: boolean
}

/** Prepares the source. */
export function tokenSource({ store, refresh, now, autoRefresh }: TokenSourceOptions): TokenSource {
  return {
    token: async () => {
      const session = await store.current()
      if (!session) return undefined
      if (!autoRefresh || session.expiresAt - now() > MARGIN_MS) return session.accessToken
      const { data } = await refresh()
      // Without a renewed one the old one is sent; the server says what is wrong with it, in its own words.
      return data?.accessToken ?? session.accessToken
    },
    replace: async (refused) => {
      if (!autoRefresh) return undefined
      const session = await store.current()
      if (!session) return undefined
      // A request sent at the same time has renewed it already.
      if (session.accessToken !== refused) return session.accessToken
      const { data } = await refresh()
      return data?.accessToken
    },
    ended: async (token) => {
      const session = await store.current()
      if (session?.accessToken === token) await store.set('session_expired', null)
    },
  }
}
