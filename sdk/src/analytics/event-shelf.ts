/** Keeps what must outlive a page: who the visitor is, and events that were not sent when it went away. */
import { z } from 'zod'
import type { StorageAdapter } from '../auth/storage.ts'
import { type TrackedEvent, trackedEvent } from './tracked-event.ts'

/** Several tabs share one shelf: each adds and takes away its own events by their ids. */
export class EventShelf {
  readonly #storage: StorageAdapter
  readonly #visitorKey: string
  readonly #eventsKey: string
  readonly #limit: number

  constructor(options: { storage: StorageAdapter; url: string; limit: number }) {
    this.#storage = options.storage
    this.#visitorKey = `howdah.visitor:${options.url}`
    this.#eventsKey = `howdah.events:${options.url}`
    this.#limit = options.limit
  }

  /** The visitor's id, made at the first visit. */
  async visitorId(): Promise<string> {
    const kept = z.guid().safeParse(await this.#storage.getItem(this.#visitorKey))
    if (kept.success) return kept.data
    const made = crypto.randomUUID()
    await this.#storage.setItem(this.#visitorKey, made)
    return made
  }

  /** Events left behind. What cannot be read is nobody's event. */
  async events(): Promise<TrackedEvent[]> {
    const text = await this.#storage.getItem(this.#eventsKey)
    return text === null ? [] : parsed(text)
  }

  /** Adds events; the oldest give way when there are too many. */
  async add(events: readonly TrackedEvent[]): Promise<void> {
    const known = new Set(events.map(({ id }) => id))
    const others = (await this.events()).filter(({ id }) => !known.has(id))
    await this.#write([...others, ...events].slice(-this.#limit))
  }

  /** Takes away events that need not be kept any longer. */
  async remove(ids: ReadonlySet<string>): Promise<void> {
    const events = await this.events()
    const left = events.filter(({ id }) => !ids.has(id))
    if (left.length < events.length) await this.#write(left)
  }

  async #write(events: readonly TrackedEvent[]): Promise<void> {
    if (events.length === 0) await this.#storage.removeItem(this.#eventsKey)
    else await this.#storage.setItem(this.#eventsKey, JSON.stringify(events))
  }
}

function parsed(text: string): TrackedEvent[] {
  try {
    return z.array(trackedEvent).catch([]).parse(JSON.parse(text))
  } catch {
    return []
  }
}
