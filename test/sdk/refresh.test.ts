/** Renewing tokens: once, however many requests need it, and never at the price of the session. */
import { afterAll, describe, expect, it } from 'vitest'
import {
  type AuthEvent,
  type ClientOptions,
  createClient,
  type Fetch,
  memoryStorage,
  orThrow,
  type Session,
} from '../../sdk/src/index.ts'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { signUp } from '../setup/story.ts'
import { expiredToken } from './expired-token.ts'
import { recordingFetch } from './recording-fetch.ts'

const db = await testDatabase()
const api = await testApi(db)
afterAll(() => db.drop())

const KEY = `howdah.session:${api.url}`
const REFRESH = '/rpc/refresh_session'

/** A client that finds a session in its storage; `change` makes it an older one. */
async function returning(
  change: (session: Session) => Promise<Session>,
  options: Partial<ClientOptions> = {},
) {
  const first = createClient({ url: api.url })
  const person = await signUp(api)
  const session = await orThrow(first.auth.signIn({ email: person.email, password: person.password }))
  const storage = memoryStorage()
  await storage.setItem(KEY, JSON.stringify(await change(session)))
  const events: AuthEvent[] = []
  const client = createClient({ url: api.url, storage, ...options })
  client.auth.onStateChange((event) => events.push(event))
  const stored = async () => {
    const text = await storage.getItem(KEY)
    return text === null ? null : (JSON.parse(text) as Session)
  }
  return { client, session, events, stored }
}

/** Its token is expired for the server, and the client does not know: its clock is behind. */
const expired = (seconds: number) => async (session: Session) => ({
  ...session,
  accessToken: await expiredToken(session.accessToken, db.target.secrets.jwt_secret, seconds),
})

describe('tokens', () => {
  it.each([
    ['that our guard refuses (token_expired)', 10],
    ['that PostgREST refuses by itself (token_invalid)', 120],
  ])('%s are renewed once for 20 parallel requests, each sent again once', async (_, seconds) => {
    const { fetch, sent, count } = recordingFetch()
    const { client, session, events, stored } = await returning(expired(seconds), { fetch })
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.from('users').select('id')))
    for (const answer of answers)
      expect(answer).toMatchObject({ error: null, data: [{ id: session.user.id }] })
    expect(count(REFRESH)).toBe(1)
    expect(sent.filter(({ path, status }) => path === '/users' && status === 401)).toHaveLength(20)
    expect(sent.filter(({ path, status }) => path === '/users' && status === 200)).toHaveLength(20)
    expect(events).toEqual(['token_refreshed'])
    expect((await stored())?.refreshToken).not.toBe(session.refreshToken)
  })

  it('are renewed before they expire, so that no request is refused', async () => {
    const { fetch, sent, count } = recordingFetch()
    const { client } = await returning(async (session) => ({ ...session, expiresAt: Date.now() + 5_000 }), {
      fetch,
    })
    await Promise.all(Array.from({ length: 20 }, () => orThrow(client.from('users').select('id'))))
    expect(count(REFRESH)).toBe(1)
    expect(sent.every(({ status }) => status === 200)).toBe(true)
    expect(sent).toHaveLength(21)
  })

  it('are left alone with autoRefresh: false', async () => {
    const { fetch, count } = recordingFetch()
    const { client } = await returning(expired(10), { fetch, autoRefresh: false })
    const { error } = await client.auth.getUser()
    expect(error).toMatchObject({ key: 'token_expired', status: 401 })
    expect(count(REFRESH)).toBe(0)
    await orThrow(client.auth.refresh())
    await orThrow(client.auth.getUser())
    expect(count(REFRESH)).toBe(1)
  })

  it('are asked for only once more when the new one is refused, too', async () => {
    const { fetch, count } = recordingFetch()
    const { client } = await returning(expired(10), {
      // A server that never likes what it gets.
      fetch: async (input, init) => {
        const answer = await fetch(input, init)
        if (String(input).endsWith(REFRESH)) return answer
        return Response.json(
          { code: 'PT401', message: 'token_expired', details: '', hint: '' },
          { status: 401 },
        )
      },
    })
    const { error, status } = await client.from('users').select('id')
    expect(status).toBe(401)
    expect(error?.message).toBe('token_expired')
    expect(count(REFRESH)).toBe(1)
    expect(count('/users')).toBe(2)
  })
})

describe('a session survives', () => {
  const without: [string, Fetch, string][] = [
    ['no network', async () => Promise.reject(new TypeError('fetch failed')), 'network_error'],
    ['a proxy in the way', async () => new Response('<h1>Bad gateway</h1>', { status: 502 }), 'bad_response'],
    [
      'a busy server',
      async () =>
        Response.json({ code: 'PGRST003', message: 'Timed out', details: null, hint: null }, { status: 504 }),
      'server_busy',
    ],
  ]
  it.each(without)('%s while it is renewed', async (_, broken, key) => {
    let isBroken = true
    const { client, session, events, stored } = await returning(
      async (original) => ({ ...original, expiresAt: Date.now() - 1 }),
      { fetch: (input, init) => (isBroken ? broken(input, init) : globalThis.fetch(input, init)) },
    )
    expect((await client.auth.refresh()).error?.key).toBe(key)
    expect((await client.auth.getUser()).error?.key).toBe(key)
    expect((await stored())?.refreshToken).toBe(session.refreshToken)
    expect(events).toEqual([])
    isBroken = false
    expect((await orThrow(client.auth.getUser())).id).toBe(session.user.id)
    expect(events).toEqual(['token_refreshed'])
  })

  it('another tab that has gone on (refresh_token_superseded)', async () => {
    const storage = memoryStorage()
    const first = createClient({ url: api.url, storage })
    const person = await signUp(api)
    await orThrow(first.auth.signIn({ email: person.email, password: person.password }))
    const second = createClient({ url: api.url, storage })
    await second.auth.getSession()
    // The first tab renews twice; what the second holds is two steps old then.
    await orThrow(first.auth.refresh())
    await orThrow(first.auth.refresh())
    const renewed = await orThrow(second.auth.refresh())
    expect(renewed).toEqual(await first.auth.getSession())
    await orThrow(second.auth.getUser())
  })
})

describe('a session is given up', () => {
  it('when someone else went on with it and left no trace (refresh_token_superseded)', async () => {
    const { client, session, events, stored } = await returning(async (original) => original)
    const copy = async (token: string) => api.rpc('refresh_session', { refresh_token: token })
    const next = (await copy(session.refreshToken)).body.refresh_token
    await copy(next)
    expect((await client.auth.refresh()).error?.key).toBe('refresh_token_superseded')
    expect(events).toEqual(['session_expired'])
    expect(await stored()).toBeNull()
  })

  it('when its owner signs out while it is renewed (no_session)', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { client, events, stored } = await returning(async (original) => original, {
      fetch: async (input, init) => {
        const answer = await globalThis.fetch(input, init)
        if (String(input).endsWith(REFRESH)) await held
        return answer
      },
    })
    const renewal = client.auth.refresh()
    await orThrow(client.auth.signOut({ onlyHere: true }))
    release()
    expect((await renewal).error?.key).toBe('no_session')
    expect(events).toEqual(['signed_out'])
    expect(await stored()).toBeNull()
  })

  it('when its refresh token never was one (refresh_token_invalid)', async () => {
    const { client, events, stored } = await returning(async (original) => ({
      ...original,
      refreshToken: 'x'.repeat(43),
      expiresAt: 0,
    }))
    expect((await client.auth.refresh()).error).toMatchObject({ key: 'refresh_token_invalid', status: 401 })
    expect(events).toEqual(['session_expired'])
    expect(await stored()).toBeNull()
  })
})
