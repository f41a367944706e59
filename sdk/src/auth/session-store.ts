/** The one place that knows the current session: in memory, in storage, and told to listeners. */
import { ApiError } from '../errors/api-error.ts'
import { CLIENT_ERRORS } from '../errors/client-error-keys.ts'
import { parseSession, type Session } from './session.ts'
import type { StorageAdapter } from './storage.ts'

/** What can happen to a session. */
export type AuthEvent = 'signed_in' | 'signed_out' | 'token_refreshed' | 'session_expired'

/** Is told what happened, and the session there is now. */
export type AuthListener = (event: AuthEvent, session: Session | null) => void

/** What the store works with. */
export type SessionStoreOptions = {
  storage: StorageAdapter
  key: string
  /** Gets errors of the storage and of listeners: there is no caller to hand them to. */
  onError: (error: ApiError) => void
}

/** Keeps the session. */
export class SessionStore {
  readonly #options: SessionStoreOptions
  readonly #listeners = new Set<AuthListener>()
  #current: Session | null = null
  #loading: Promise<void> | undefined

  constructor(options: SessionStoreOptions) {
    this.#options = options
  }

  /** The session, read from storage the first time. */
  async current(): Promise<Session | null> {
    this.#loading ??= this.reload()
    await this.#loading
    return this.#current
  }

  /** Reads the storage again: another tab may have renewed or ended the session. */
  async reload(): Promise<void> {
    const { storage, key } = this.#options
    await this.#guarded('storage_failed', async () => {
      const text = await storage.getItem(key)
      const stored = text === null ? null : parseSession(text)
      // What cannot be read will not get better by keeping it.
      if (stored === undefined) await storage.removeItem(key)
      this.#current = stored ?? null
    })
  }

  /** Keeps a session (or its end) and tells the listeners. */
  async set(event: AuthEvent, session: Session | null): Promise<void> {
    this.#loading ??= Promise.resolve()
    this.#current = session
    const { storage, key } = this.#options
    await this.#guarded('storage_failed', async () => {
      if (session) await storage.setItem(key, JSON.stringify(session))
      else await storage.removeItem(key)
    })
    for (const listener of this.#listeners)
      await this.#guarded('listener_failed', async () => listener(event, session))
  }

  /** Adds a listener; the answer removes it. */
  listen(listener: AuthListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  async #guarded(key: 'storage_failed' | 'listener_failed', work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause)
      this.#options.onError(new ApiError({ key, status: 0, detail, hint: CLIENT_ERRORS[key], cause }))
    }
  }
}
