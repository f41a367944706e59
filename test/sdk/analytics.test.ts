/** client.analytics against a real API: batches, retries with the same ids, the end of a page, wrong clocks. */
import { afterAll, describe, expect, it, vi } from 'vitest'
import {
  type ApiError,
  type ClientOptions,
  createClient,
  type Fetch,
  memoryStorage,
  orThrow,
} from '../../sdk/src/index.ts'
import { agreeTo } from '../setup/agree.ts'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { signUp } from '../setup/story.ts'
import { recordingFetch } from './recording-fetch.ts'

const db = await testDatabase()
const api = await testApi(db)
afterAll(() => db.drop())

const PATH = '/rpc/track_events'

function made(options: Partial<ClientOptions> = {}) {
  const errors: ApiError[] = []
  const client = createClient({
    url: api.url,
    onError: (error) => errors.push(error),
    ...options,
    analytics: { flushIntervalMs: 60_000, ...options.analytics },
  })
  return { client, errors, keys: () => errors.map(({ key }) => key) }
}

async function stored(name: string) {
  const { rows } = await db.owner.query(
    'select *, received_at - occurred_at as age from core.analytics_events where name = $1 order by occurred_at, id',
    [name],
  )
  return rows
}

/** A fetch whose way to the server can break: before the request arrives, or before its answer does. */
function brokenFetch() {
  const state: { breaks: 'nothing' | 'request' | 'answer' } = { breaks: 'nothing' }
  const fetch: Fetch = async (input, init) => {
    if (state.breaks === 'request') throw new TypeError('no way to the server')
    const answer = await globalThis.fetch(input, init)
    if (state.breaks === 'answer') throw new TypeError('the answer was lost')
    return answer
  }
  return { fetch, state }
}

describe('track', () => {
  it('gathers events and sends them together, with one visitor and one session', async () => {
    const { fetch, count } = recordingFetch()
    const { client, errors } = made({ fetch })
    for (let index = 0; index < 15; index++)
      client.analytics.track('sdk.gathered', { index, gone: undefined })
    expect(count(PATH)).toBe(0)
    expect(await client.analytics.flush()).toBe(0)
    expect(count(PATH)).toBe(1)
    const rows = await stored('sdk.gathered')
    expect(rows).toHaveLength(15)
    expect(new Set(rows.map((row) => row.visitor_id)).size).toBe(1)
    expect(new Set(rows.map((row) => row.session_id)).size).toBe(1)
    expect(rows.map((row) => row.properties.index).sort((a, b) => a - b)).toEqual([...Array(15).keys()])
    expect(errors).toEqual([])
  })

  it('sends by itself when enough wait, and when one has waited long enough', async () => {
    const { client } = made({ analytics: { flushSize: 3 } })
    for (let index = 0; index < 3; index++) client.analytics.track('sdk.enough')
    await vi.waitFor(async () => expect(await stored('sdk.enough')).toHaveLength(3), 5000)
    const patient = made({ analytics: { flushIntervalMs: 50 } })
    patient.client.analytics.track('sdk.waited')
    await vi.waitFor(async () => expect(await stored('sdk.waited')).toHaveLength(1), 5000)
  })

  it('says who is signed in, and keeps the visitor across visits', async () => {
    const storage = memoryStorage()
    const { client } = made({ storage })
    client.analytics.track('sdk.visits')
    await client.analytics.flush()
    const person = await signUp(api)
    await agreeTo(api, 'analytics', person)
    await orThrow(client.auth.signIn({ email: person.email, password: person.password }))
    const next = made({ storage })
    next.client.analytics.track('sdk.visits')
    await next.client.analytics.flush()
    const rows = await stored('sdk.visits')
    expect(rows.map((row) => row.user_id)).toEqual([null, person.id])
    expect(rows[0].visitor_id).toBe(rows[1].visitor_id)
    expect(rows[0].session_id).not.toBe(rows[1].session_id)
  })

  it('takes a copy of the properties, and never throws', async () => {
    const { client, keys } = made()
    const properties = { step: 1 }
    client.analytics.track('sdk.copied', properties)
    properties.step = 2
    const loop: Record<string, never> = {}
    Object.assign(loop, { loop })
    client.analytics.track('sdk.loop', loop)
    expect(keys()).toEqual(['event_dropped'])
    await client.analytics.flush()
    expect((await stored('sdk.copied'))[0].properties).toEqual({ step: 1 })
  })

  it('reports what the server refuses, without holding back the rest', async () => {
    const { client, errors } = made()
    client.analytics.track('Not A Name')
    client.analytics.track('sdk.fine')
    client.analytics.track('sdk.big', { text: 'x'.repeat(9000) })
    expect(await client.analytics.flush()).toBe(0)
    expect(errors.map(({ key }) => key)).toEqual(['event_name_invalid', 'event_properties_too_large'])
    expect(errors[1]?.detail).toContain('sdk.big')
    expect(await stored('sdk.fine')).toHaveLength(1)
  })
})

describe('without a way to the server', () => {
  it.each(['request', 'answer'] as const)(
    'when the %s is lost, the same events are sent again and count once',
    async (breaks) => {
      const { fetch, state } = brokenFetch()
      const { client, errors } = made({ fetch })
      const name = `sdk.lost_${breaks}`
      state.breaks = breaks
      for (let index = 0; index < 10; index++) client.analytics.track(name)
      expect(await client.analytics.flush()).toBe(10)
      expect(await client.analytics.flush()).toBe(10)
      expect(await stored(name)).toHaveLength(breaks === 'answer' ? 10 : 0)
      state.breaks = 'nothing'
      // By itself, after the pause between tries.
      await vi.waitFor(async () => expect(await client.analytics.flush()).toBe(0), 5000)
      expect(await stored(name)).toHaveLength(10)
      expect(errors).toEqual([])
    },
  )

  it('keeps no more than the limit, and says so; the newest stay', async () => {
    const { fetch, state } = brokenFetch()
    const { client, keys } = made({ fetch, analytics: { bufferLimit: 5 } })
    state.breaks = 'request'
    for (let index = 0; index < 8; index++) client.analytics.track('sdk.bounded', { index })
    expect(await client.analytics.flush()).toBe(5)
    expect(new Set(keys())).toEqual(new Set(['event_dropped']))
    state.breaks = 'nothing'
    await client.analytics.flush()
    expect((await stored('sdk.bounded')).map((row) => row.properties.index).sort()).toEqual([3, 4, 5, 6, 7])
  })

  it('more events than one call takes go in several calls', async () => {
    const { fetch, count } = recordingFetch()
    const { client } = made({ fetch, analytics: { bufferLimit: 3000, flushSize: 5000 } })
    for (let index = 0; index < 2300; index++) client.analytics.track('sdk.many')
    expect(await client.analytics.flush()).toBe(0)
    expect(count(PATH)).toBe(3)
    expect(await stored('sdk.many')).toHaveLength(2300)
  })

  it('a quota that is used up keeps the events (event_quota_exceeded)', async () => {
    await db.owner.query(`select ops.set_setting('analytics_event_quota', '1')`)
    const { client, errors } = made()
    client.analytics.track('sdk.quota')
    client.analytics.track('sdk.quota')
    expect(await client.analytics.flush()).toBe(2)
    await db.owner.query(`select ops.set_setting('analytics_event_quota', '20000')`)
    expect(await client.analytics.flush()).toBe(0)
    expect(await stored('sdk.quota')).toHaveLength(2)
    expect(errors).toEqual([])
  })
})

describe('the end of a page', () => {
  /** A page of a browser, as far as the SDK looks at it. */
  function page() {
    const listeners = new Map<string, () => void>()
    const listen = (name: string, listener: () => void) => void listeners.set(name, listener)
    const document = { visibilityState: 'hidden', addEventListener: listen }
    vi.stubGlobal('document', document)
    vi.stubGlobal('addEventListener', listen)
    return { fire: (name: string) => listeners.get(name)?.(), end: () => vi.unstubAllGlobals() }
  }

  it.each(['visibilitychange', 'pagehide'])(
    'at %s sends what waits by a request that outlives it',
    async (name) => {
      const { fire, end } = page()
      const keepalive: unknown[] = []
      const fetch: Fetch = (input, init) => {
        keepalive.push(init?.keepalive)
        return globalThis.fetch(input, init)
      }
      try {
        const { client } = made({ fetch })
        client.analytics.track(`sdk.${name}`)
        fire(name)
        await vi.waitFor(async () => expect(await stored(`sdk.${name}`)).toHaveLength(1), 5000)
        expect(keepalive).toEqual([true])
      } finally {
        end()
      }
    },
  )

  it('the next page sends what this one could not, once', async () => {
    const { fire, end } = page()
    const storage = memoryStorage()
    const { fetch, state } = brokenFetch()
    try {
      const first = made({ fetch, storage })
      // The server stores it, but the page is gone before it hears so.
      state.breaks = 'answer'
      first.client.analytics.track('sdk.next_page')
      fire('pagehide')
      await vi.waitFor(async () => expect(await stored('sdk.next_page')).toHaveLength(1), 5000)
      expect(await storage.getItem(`howdah.events:${api.url}`)).toContain('sdk.next_page')
      const { fetch: recorded, count } = recordingFetch()
      const second = made({ fetch: recorded, storage })
      expect(await second.client.analytics.flush()).toBe(0)
      expect(count(PATH)).toBe(1)
      expect(await stored('sdk.next_page')).toHaveLength(1)
      expect(await storage.getItem(`howdah.events:${api.url}`)).toBeNull()
    } finally {
      end()
    }
  })

  it('a storage that holds nonsense or fails costs no event', async () => {
    const storage = memoryStorage()
    await storage.setItem(`howdah.events:${api.url}`, '[{"id": 1}, nonsense')
    const { client } = made({ storage })
    client.analytics.track('sdk.nonsense')
    expect(await client.analytics.flush()).toBe(0)
    const fails = () => Promise.reject(new Error('the disk is full'))
    const failing = made({ storage: { getItem: fails, setItem: fails, removeItem: fails } })
    failing.client.analytics.track('sdk.nonsense')
    expect(await failing.client.analytics.flush()).toBe(0)
    expect(failing.keys()).toContain('storage_failed')
    expect(await stored('sdk.nonsense')).toHaveLength(2)
  })
})

describe('a clock that is wrong', () => {
  const DAY = 86_400_000
  it.each([-3650, -5, 5, 3650])('by %i days is seen through', async (days) => {
    const { client, errors } = made({ now: () => Date.now() + days * DAY })
    const name = `sdk.skew_${days < 0 ? 'behind' : 'ahead'}${Math.abs(days)}`
    client.analytics.track(name)
    expect(await client.analytics.flush()).toBe(0)
    client.analytics.track(name)
    expect(await client.analytics.flush()).toBe(0)
    const { rows } = await db.owner.query(
      `select extract(epoch from now() - occurred_at)::float as seconds from core.analytics_events where name = $1`,
      [name],
    )
    expect(rows).toHaveLength(2)
    for (const { seconds } of rows) expect(seconds).toBeLessThan(10)
    expect(errors).toEqual([])
  })
})
