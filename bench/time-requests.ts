/** How long one person waits for a new briefing. */

import { type Target, urlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'

/** The first calls of a connection make its plans; PostgREST keeps its connections, so they are told apart. */
const WARM_UP_CALLS = 20

/** Durations of generate_briefing in milliseconds, each a transaction of another person, as PostgREST runs it. */
export async function timeRequests(
  target: Target,
  count: number,
): Promise<{ coldMs: number; warmMs: number[] }> {
  const { rows } = await withClient(urlFor(target, 'howdah_migrations'), (owner) =>
    owner.query<{ id: string }>(
      `select id from core.users where email like 'perf-%' order by md5(email) limit $1`,
      [count + WARM_UP_CALLS],
    ),
  )
  return withClient(urlFor(target, 'howdah_authenticator'), async (client) => {
    const durations: number[] = []
    for (const { id } of rows) {
      const from = performance.now()
      await client.query('begin')
      await client.query(
        `select set_config('role', 'howdah_user', true), set_config('request.jwt.claims', $1, true)`,
        [JSON.stringify({ sub: id, role: 'howdah_user' })],
      )
      const answer = await client.query('select cards from api.generate_briefing()')
      await client.query('commit')
      durations.push(performance.now() - from)
      if (answer.rows[0]?.cards.length !== 12) {
        throw new Error(
          `The briefing of ${id} has ${answer.rows[0]?.cards.length} cards, not 12: too little data to measure.`,
        )
      }
    }
    return { coldMs: durations[0] ?? Number.NaN, warmMs: durations.slice(WARM_UP_CALLS) }
  })
}
