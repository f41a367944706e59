/** How many scheduled briefings are made in a second, and how that compares with only writing them down. */
import { type Target, urlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'

/** What the worker's task asks for at a time. */
const BATCH_SIZE = 100

/** A measured run. */
export type Run = { briefings: number; seconds: number }

/** Makes everyone due, none of whom has a briefing, and lets `connections` callers work until nobody is left. */
export async function timeDueBriefings(target: Target, connections: number): Promise<Run> {
  await withClient(urlFor(target, 'howdah_migrations'), async (owner) => {
    await owner.query('truncate briefing.briefings')
    await owner.query(`update briefing.schedules set next_due_at = core.now() - interval '1 minute'`)
    await owner.query('vacuum analyze briefing.briefings, briefing.schedules')
  })
  const from = performance.now()
  await Promise.all(Array.from({ length: connections }, () => workUntilNobodyIsDue(target)))
  const seconds = (performance.now() - from) / 1000
  return withClient(urlFor(target, 'howdah_migrations'), async (owner) => {
    const { rows } = await owner.query<{ made: number; failed: number }>(`
      select (select count(*)::int from briefing.briefings where item_ids <> '{}') as made,
        (select count(*)::int from briefing.schedules where failure_count > 0) as failed`)
    const { made = 0, failed = 0 } = rows[0] ?? {}
    if (failed > 0) throw new Error(`${failed} briefings failed; briefing.schedules says why.`)
    return { briefings: made, seconds }
  })
}

/** Inserts the same rows again, in transactions of the same size, with the same checks and indexes. */
export async function timeBareInsert(target: Target): Promise<Run> {
  return withClient(urlFor(target, 'howdah_migrations'), async (owner) => {
    await owner.query(`create temporary table made as
      select row_number() over (order by user_id) as n, b.* from briefing.briefings as b`)
    await owner.query('truncate briefing.briefings')
    const { rows } = await owner.query<{ made: number }>('select count(*)::int as made from made')
    const made = rows[0]?.made ?? 0
    const from = performance.now()
    for (let first = 1; first <= made; first += BATCH_SIZE) {
      await owner.query(
        `insert into briefing.briefings (id, user_id, briefing_date, edition, cards, item_ids, story_ids, timezone, generated_at)
        select id, user_id, briefing_date, edition, cards, item_ids, story_ids, timezone, generated_at
        from made where n between $1 and $2`,
        [first, first + BATCH_SIZE - 1],
      )
    }
    return { briefings: made, seconds: (performance.now() - from) / 1000 }
  })
}

async function workUntilNobodyIsDue(target: Target): Promise<void> {
  await withClient(urlFor(target, 'howdah_worker'), async (worker) => {
    for (let handled = 1; handled > 0; ) {
      const { rows } = await worker.query<{ handled: number }>(
        'select briefing.generate_due_briefings($1) as handled',
        [BATCH_SIZE],
      )
      handled = rows[0]?.handled ?? 0
    }
  })
}
