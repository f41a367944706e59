/** What a refresh of the roll-ups costs, whatever was counted before. */
import { type Target, urlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'
import { timeBulkIngest } from './time-ingest.ts'

/** Days the history and what is new are spread over: every hour and name of them is a row of the roll-ups. */
const HISTORY_DAYS = 18

/** Each round rolls this many new events up. */
const NEW_EVENTS = 50_000

/** Adds history until there are `events`, rolled up, as vacuumed as autovacuum leaves it. */
export async function growHistory(target: Target, events: number): Promise<void> {
  const count = await withClient(urlFor(target, 'howdah_migrations'), async (owner) => {
    const { rows } = await owner.query<{ count: number }>(
      'select count(*)::int as count from core.analytics_events',
    )
    return rows[0]?.count ?? 0
  })
  // In parts: the batches of a run are all made before it starts.
  for (let missing = events - count; missing > 0; missing -= 200_000) {
    await timeBulkIngest(target, 2, { count: Math.min(missing, 200_000), days: HISTORY_DAYS })
  }
  await refresh(target)
  await withClient(urlFor(target, 'howdah_migrations'), (owner) =>
    owner.query(
      'vacuum analyze core.analytics_events, core.analytics_deltas, core.analytics_hourly, core.analytics_daily',
    ),
  )
}

/** The least disturbed of some refreshes in milliseconds, each of the same number of new events. */
export async function timeRollUp(target: Target, rounds: number): Promise<number> {
  const durations: number[] = []
  for (let round = 0; round < rounds; round++) {
    await timeBulkIngest(target, 1, { count: NEW_EVENTS, days: HISTORY_DAYS })
    durations.push(await refresh(target))
  }
  return Math.min(...durations)
}

async function refresh(target: Target): Promise<number> {
  return withClient(urlFor(target, 'howdah_worker'), async (worker) => {
    // The first call of a session makes its plans.
    await worker.query('select core.roll_up_events(1)')
    const from = performance.now()
    for (let folded = 1; folded > 0; ) {
      const { rows } = await worker.query<{ folded: number }>('select core.roll_up_events() as folded')
      folded = rows[0]?.folded ?? 0
    }
    return performance.now() - from
  })
}
