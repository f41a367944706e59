/** Where sessions are kept, and what happens when that place is damaged. */
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import {
  type ApiError,
  createClient,
  localStorageAdapter,
  memoryStorage,
  orThrow,
  type StorageAdapter,
} from '../../sdk/src/index.ts'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { signUp } from '../setup/story.ts'

const db = await testDatabase()
const api = await testApi(db)
const person = await signUp(api)
afterAll(() => db.drop())
afterEach(() => vi.unstubAllGlobals())

const KEY = `howdah.session:${api.url}`
const credentials = { email: person.email, password: person.password }

describe('a storage', () => {
  it('keeps the session for the next client of the same API, and for no other', async () => {
    const storage = memoryStorage()
    await orThrow(createClient({ url: api.url, storage }).auth.signIn(credentials))
    const next = createClient({ url: api.url, storage })
    expect((await orThrow(next.auth.getUser())).id).toBe(person.id)
    expect(await createClient({ url: 'http://127.0.0.1:9', storage }).auth.getSession()).toBeNull()
  })

  it('may answer later', async () => {
    const items = new Map<string, string>()
    const slow = async <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(resolve, value))
    const storage: StorageAdapter = {
      getItem: (key) => slow(items.get(key) ?? null),
      setItem: async (key, value) => {
        items.set(key, await slow(value))
      },
      removeItem: async (key) => {
        items.delete(await slow(key))
      },
    }
    const client = createClient({ url: api.url, storage })
    await orThrow(client.auth.signIn(credentials))
    expect(items.has(KEY)).toBe(true)
    expect((await orThrow(createClient({ url: api.url, storage }).auth.getUser())).id).toBe(person.id)
    await orThrow(client.auth.signOut())
    expect(items.size).toBe(0)
  })

  it.each([
    '',
    '{',
    'null',
    '[]',
    '"text"',
    '{"accessToken":1}',
    '{"accessToken":"a","refreshToken":"b","expiresAt":1}',
  ])('that holds %s counts as nobody signed in, and is emptied', async (text) => {
    const storage = memoryStorage()
    await storage.setItem(KEY, text)
    const client = createClient({ url: api.url, storage })
    expect(await client.auth.getSession()).toBeNull()
    expect(await storage.getItem(KEY)).toBeNull()
    await orThrow(client.auth.signIn(credentials))
    expect(await storage.getItem(KEY)).toContain(person.id)
  })

  it('that fails is reported, and the session lives on in memory (storage_failed)', async () => {
    const errors: ApiError[] = []
    const storage = memoryStorage()
    storage.setItem = () => {
      throw new Error('The quota has been exceeded.')
    }
    const client = createClient({ url: api.url, storage, onError: (error) => errors.push(error) })
    await orThrow(client.auth.signIn(credentials))
    expect(errors.map(({ key, detail }) => [key, detail])).toEqual([
      ['storage_failed', 'The quota has been exceeded.'],
    ])
    expect((await orThrow(client.auth.getUser())).id).toBe(person.id)
  })

  it('and a listener that throws does not harm the others (listener_failed)', async () => {
    const errors: ApiError[] = []
    const events: string[] = []
    const client = createClient({ url: api.url, onError: (error) => errors.push(error) })
    client.auth.onStateChange(() => {
      throw new Error('not my day')
    })
    client.auth.onStateChange((event) => events.push(event))
    await orThrow(client.auth.signIn(credentials))
    expect(events).toEqual(['signed_in'])
    expect(errors.map(({ key }) => key)).toEqual(['listener_failed'])
  })
})

describe('localStorageAdapter', () => {
  it('keeps the session in localStorage', async () => {
    const items = new Map<string, string>()
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => items.set(key, value),
      removeItem: (key: string) => items.delete(key),
    })
    const client = createClient({ url: api.url, storage: localStorageAdapter() })
    await orThrow(client.auth.signIn(credentials))
    expect([...items.keys()]).toEqual([KEY])
    await orThrow(client.auth.signOut())
    expect(items.size).toBe(0)
  })

  it('says so where there is none', () => {
    vi.stubGlobal('localStorage', undefined)
    expect(() => localStorageAdapter()).toThrow(/no localStorage/)
  })
})
