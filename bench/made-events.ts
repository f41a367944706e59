/** Events as a product makes them: a few names, a session of several events a visitor, small properties. */
import { randomBytes, randomUUID } from 'node:crypto'

/** What the events should be like. */
export type EventWish = {
  count: number
  /** The span they happened in, back from now. (Default: one day) */
  days?: number
  /** Whom every other visitor is signed in as; none: all are anonymous. */
  userIds?: readonly string[]
}

const NAMES = ['page.viewed', 'card.opened', 'card.saved', 'search.sent', 'app.started', 'app.left']
const EVENTS_A_VISITOR = 5
const DAY_MS = 86_400_000

/** A list of events as JSON text, ready for ops.ingest_events or api.track_events. */
export function madeEvents({ count, days = 1, userIds = [] }: EventWish): string {
  const now = Date.now()
  let visitor = randomUUID()
  const events = Array.from({ length: count }, (_, index) => {
    if (index % EVENTS_A_VISITOR === 0) visitor = randomUUID()
    const user = userIds[Math.floor(index / EVENTS_A_VISITOR / 2) % Math.max(1, userIds.length)]
    return {
      id: idAt(now - Math.floor(Math.random() * days * DAY_MS)),
      name: NAMES[index % NAMES.length],
      visitor_id: visitor,
      session_id: visitor,
      ...(user !== undefined && Math.floor(index / EVENTS_A_VISITOR) % 2 === 0 && { user_id: user }),
      properties: {
        path: `/reader/${index % 500}`,
        card: index % 40,
        is_first: index % EVENTS_A_VISITOR === 0,
      },
    }
  })
  return JSON.stringify(events)
}

function idAt(at: number): string {
  const hex = at.toString(16).padStart(12, '0') + randomBytes(10).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
