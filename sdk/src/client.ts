/** createClient: everything of one API in one object. */
import { PostgrestClient } from '@supabase/postgrest-js'
import { Analytics, type AnalyticsOptions, DEFAULT_BUFFER_LIMIT } from './analytics/analytics.ts'
import { EventShelf } from './analytics/event-shelf.ts'
import { type Auth, createAuth } from './auth/auth.ts'
import { refresher } from './auth/refresher.ts'
import { sessionCalls } from './auth/session-calls.ts'
import { SessionStore } from './auth/session-store.ts'
import { memoryStorage, type StorageAdapter } from './auth/storage.ts'
import { tokenSource } from './auth/token-source.ts'
import { type Briefings, createBriefings } from './briefings/briefings.ts'
import { createSavedCards, type SavedCards } from './briefings/saved-cards.ts'
import { createDataExports, type DataExports } from './data-exports/data-exports.ts'
import type { ApiError } from './errors/api-error.ts'
import type { Database } from './generated/database.ts'
import { authorizedFetch } from './transport/authorized-fetch.ts'
import { boundedFetch, type Fetch } from './transport/bounded-fetch.ts'
import { refuseFilterless } from './transport/refuse-filterless.ts'

/** How to reach an API. */
export type ClientOptions = {
  /** Where the API answers, for instance http://127.0.0.1:3000. */
  url: string
  /** (Default: the global fetch) */
  fetch?: Fetch
  /** Where the session is kept. (Default: in memory) */
  storage?: StorageAdapter
  /** Whether tokens that expire are renewed without being asked. (Default: true) */
  autoRefresh?: boolean
  /** How long one request may take, to the last byte, in milliseconds. (Default: 15000) */
  timeoutMs?: number
  /** The clock, in milliseconds since 1970. (Default: Date.now) */
  now?: () => number
  /** Gets errors that no call can hand back, such as those of the storage. (Default: console.error) */
  onError?: (error: ApiError) => void
  /** How client.analytics gathers events. */
  analytics?: AnalyticsOptions
}

/** Longer than the longest request the API allows a user (5 seconds), with a slow network on both ways. */
const DEFAULT_TIMEOUT_MS = 15_000

/** A client: `from` and `rpc` are those of postgrest-js, with this API's types. */
export type HowdahClient = PostgrestClient<Database, { PostgrestVersion: '12' }, 'api'> & {
  readonly analytics: Analytics
  readonly auth: Auth
  readonly briefings: Briefings
  readonly dataExports: DataExports
  readonly savedCards: SavedCards
}

/**
 * Makes a client. Opens nothing, so there is nothing to close.
 * @throws TypeError when the url is none
 * @example
 * const client = createClient({ url: 'http://127.0.0.1:3000' })
 * await orThrow(client.auth.signIn({ email: 'ada@example.com', password: 'correct horse battery' }))
 * const { cards } = await orThrow(client.briefings.today())
 */
export function createClient(options: ClientOptions): HowdahClient {
  const url = baseUrl(options.url)
  const now = options.now ?? Date.now
  // Called through the global, so that a fetch replaced later (by a test, by instrumentation) is used.
  const fetch: Fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const send = boundedFetch(fetch, options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
  const storage = options.storage ?? memoryStorage()
  const onError = options.onError ?? ((error: ApiError) => console.error(error))
  const store = new SessionStore({ storage, key: `howdah.session:${url}`, onError })
  const anonymous = new PostgrestClient<Database, { PostgrestVersion: '12' }, 'api'>(url, {
    schema: 'api',
    fetch: send,
    retry: false,
  })
  const call = sessionCalls(anonymous, now)
  const refresh = refresher(store, call)
  const source = tokenSource({ store, refresh, now, autoRefresh: options.autoRefresh ?? true })
  const authorized = authorizedFetch(send, source)
  const api = new PostgrestClient<Database, { PostgrestVersion: '12' }, 'api'>(url, {
    schema: 'api',
    fetch: refuseFilterless(authorized),
    // It would wait for seconds and ask again; whether to ask again is the caller's business.
    retry: false,
  })
  const shelf = new EventShelf({
    storage,
    url,
    limit: options.analytics?.bufferLimit ?? DEFAULT_BUFFER_LIMIT,
  })
  return Object.assign(api, {
    analytics: new Analytics({ ...options.analytics, send: authorized, url, shelf, now, onError }),
    auth: createAuth({ store, call, refresh, api, anonymous }),
    briefings: createBriefings(api),
    dataExports: createDataExports(api, authorized, url),
    savedCards: createSavedCards(api),
  })
}

function baseUrl(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(`"${given}" is no address of an API. Write it like http://127.0.0.1:3000.`)
  }
  return url.href.replace(/\/+$/, '')
}
