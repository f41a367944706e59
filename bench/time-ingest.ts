/** How many events a second come in: through SQL in bulk, and through the API. */
import { freePort } from '../stack/free-port.ts'
import { postgrestBinary } from '../stack/postgrest/binary.ts'
import { launchPostgrest } from '../stack/postgrest/launch.ts'
import { type Target, urlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'
import { type EventWish, madeEvents } from './made-events.ts'

/** A measured run. */
export type Ingest = { events: number; seconds: number }

/** The most one call of the API takes. */
const API_BATCH = 1000
const BULK_BATCH = 5000

/** Stores `wish.count` events with ops.ingest_events, made before the clock starts, over `connections` connections. */
export async function timeBulkIngest(target: Target, connections: number, wish: EventWish): Promise<Ingest> {
  const batches = Array.from({ length: Math.ceil(wish.count / BULK_BATCH) }, () =>
    madeEvents({ ...wish, count: BULK_BATCH }),
  )
  const total = batches.length * BULK_BATCH
  const from = performance.now()
  await Promise.all(
    Array.from({ length: connections }, () =>
      withClient(urlFor(target, 'howdah_worker'), async (worker) => {
        for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
          const { rows } = await worker.query<{ stored: number }>('select ops.ingest_events($1) as stored', [
            batch,
          ])
          if (rows[0]?.stored !== BULK_BATCH) {
            throw new Error(`A batch of ${BULK_BATCH} new events stored ${rows[0]?.stored}.`)
          }
        }
      }),
    ),
  )
  return { events: total, seconds: (performance.now() - from) / 1000 }
}

/** Sends `count` events through a real PostgREST, `clients` calls at once. The quota must allow it. */
export async function timeApiIngest(target: Target, clients: number, count: number): Promise<Ingest> {
  const bodies = Array.from(
    { length: Math.ceil(count / API_BATCH) },
    () => `{"events": ${madeEvents({ count: API_BATCH })}}`,
  )
  const total = bodies.length * API_BATCH
  const api = await launchPostgrest({
    binary: postgrestBinary(process.env.HOWDAH_POSTGREST_BIN),
    databaseUrl: urlFor(target, 'howdah_authenticator'),
    jwtSecret: target.secrets.jwt_secret,
    port: await freePort(),
    adminPort: await freePort(),
  })
  try {
    const from = performance.now()
    await Promise.all(
      Array.from({ length: clients }, async () => {
        for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
          const answer = await fetch(`${api.url}/rpc/track_events`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body,
          })
          const text = await answer.text()
          if (!text.includes(`"accepted": ${API_BATCH}`)) {
            throw new Error(
              `A call with ${API_BATCH} new events answered ${answer.status}: ${text.slice(0, 300)}`,
            )
          }
        }
      }),
    )
    return { events: total, seconds: (performance.now() - from) / 1000 }
  } finally {
    await api.stop()
  }
}
