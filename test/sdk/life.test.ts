/** A session's whole life through the SDK, against the real API. */
import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { type AuthEvent, createClient, isApiError, orThrow } from '../../sdk/src/index.ts'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { recordingFetch } from './recording-fetch.ts'

const db = await testDatabase()
const api = await testApi(db)
afterAll(() => db.drop())

const person = () => ({
  email: `reader-${randomBytes(4).toString('hex')}@example.com`,
  password: 'correct horse battery',
})

describe('a session', () => {
  it('begins with signing up, serves requests, and ends with signing out', async () => {
    const { fetch, sent } = recordingFetch()
    const client = createClient({ url: `${api.url}/`, fetch })
    const events: AuthEvent[] = []
    client.auth.onStateChange((event, session) => {
      events.push(event)
      expect(session === null).toBe(event === 'signed_out')
    })
    const ada = person()
    const session = await orThrow(
      client.auth.signUp({ ...ada, displayName: 'Ada', timezone: 'Europe/Berlin', locale: 'de-DE' }),
    )
    expect(session.user).toMatchObject({ email: ada.email, display_name: 'Ada', timezone: 'Europe/Berlin' })
    expect(session.expiresAt).toBeGreaterThan(Date.now() + 14 * 60_000)
    expect(await client.auth.getSession()).toEqual(session)

    const account = await orThrow(client.auth.getUser())
    expect(account).toMatchObject({ id: session.user.id, role: 'user', locale: 'de-DE' })
    const sessions = await orThrow(client.from('sessions').select('id, is_current'))
    expect(sessions).toEqual([{ id: expect.any(String), is_current: true }])

    expect(await client.auth.signOut()).toEqual({ data: null, error: null })
    expect(await client.auth.getSession()).toBeNull()
    expect(events).toEqual(['signed_in', 'signed_out'])

    // The token itself is worthless now, whoever holds it.
    const stale = await globalThis.fetch(`${api.url}/users`, {
      headers: { authorization: `Bearer ${session.accessToken}` },
    })
    expect(stale.status).toBe(401)
    expect(await stale.json()).toMatchObject({ message: 'session_ended' })
    const refused = await client.auth.getUser()
    expect(refused.error).toMatchObject({ status: 401 })
    expect(sent.at(-1)?.token).toBeUndefined()
  })

  it('begins anew with signing in', async () => {
    const ada = person()
    await orThrow(createClient({ url: api.url }).auth.signUp(ada))
    const client = createClient({ url: api.url })
    const session = await orThrow(
      client.auth.signIn({ ...ada, deviceFingerprint: 'a-device-of-ada', deviceName: 'Laptop' }),
    )
    expect(session.user.email).toBe(ada.email)
    const [current] = await orThrow(client.from('sessions').select('device_name').eq('is_current', true))
    expect(current).toEqual({ device_name: 'Laptop' })
  })

  it('does not begin with a wrong password (invalid_credentials)', async () => {
    const client = createClient({ url: api.url })
    const events: AuthEvent[] = []
    client.auth.onStateChange((event) => events.push(event))
    const { data, error } = await client.auth.signIn({ email: 'nobody@example.com', password: 'wrong wrong' })
    expect(data).toBeNull()
    expect(isApiError(error)).toBe(true)
    expect(error).toMatchObject({
      key: 'invalid_credentials',
      status: 401,
      hint: expect.stringMatching(/\w/),
    })
    expect(events).toEqual([])
    expect(await client.auth.getSession()).toBeNull()
  })

  it('ends here when the server says that it has ended (session_ended)', async () => {
    const ada = person()
    const client = createClient({ url: api.url })
    await orThrow(client.auth.signUp(ada))
    const events: AuthEvent[] = []
    const stop = client.auth.onStateChange((event) => events.push(event))
    await db.owner.query(
      `update core.sessions set revoked_at = now(), revoked_reason = 'ended_by_admin'
       where user_id = (select id from core.users where email = $1)`,
      [ada.email],
    )
    const { error } = await client.auth.getUser()
    expect(error).toMatchObject({ key: 'session_ended', status: 401 })
    expect(events).toEqual(['session_expired'])
    expect(await client.auth.getSession()).toBeNull()
    stop()
    await orThrow(client.auth.signIn(ada))
    expect(events).toEqual(['session_expired'])
  })

  it('cannot be ended where there is none (no_session)', async () => {
    const client = createClient({ url: api.url })
    expect((await client.auth.signOut()).error?.key).toBe('no_session')
    expect((await client.auth.refresh()).error?.key).toBe('no_session')
    expect((await client.auth.signOut({ onlyHere: true })).error).toBeNull()
  })
})
