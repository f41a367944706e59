/** Events for tests: made like a client makes them, with the instant in the id. */
import { randomBytes, randomUUID } from 'node:crypto'

/** An event as track_events takes it. */
export type TestEvent = {
  id: string
  name: string
  visitor_id: string
  session_id?: string
  occurred_at?: string
  properties?: Record<string, unknown>
}

/** A UUIDv7 that carries `at`, in milliseconds since 1970. */
export function idAt(at: number): string {
  const hex = Math.round(at).toString(16).padStart(12, '0') + randomBytes(10).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** An event that happens now, unless told otherwise. */
export function event(given: Partial<TestEvent> & { at?: number } = {}): TestEvent {
  const { at = Date.now(), ...rest } = given
  return { id: idAt(at), name: 'page.viewed', visitor_id: randomUUID(), ...rest }
}
