/** Can the time of an answer tell two kinds of requests apart? Asks both in turn and prints how well it does. */
import { renderTable } from '../stack/terminal/table.ts'
import { areaUnderCurve } from './area-under-curve.ts'
import { spread } from './spread.ts'

/** Of each kind, for each function. Source: our checks ask for 300. */
export const ROUNDS = 400
export const WARM_UP_ROUNDS = 20
const LOWEST = 0.45
const HIGHEST = 0.55

/** A function of the API and its arguments about something that is there, and about something that is not. */
export type Pair = { name: string; known(round: number): object; missing(round: number): object }

/**
 * Prints the area under the ROC curve for each pair, where 0.5 is a coin and 1 a sure thing.
 * @returns 1 when an area is out of bounds or the statuses differ, else 0
 */
export async function tellApart(url: string, pairs: readonly Pair[], token?: string): Promise<number> {
  const rows: string[][] = []
  let isOk = true
  for (const pair of pairs) {
    const times = { known: [] as number[], missing: [] as number[] }
    const statuses = new Set<number>()
    for (let round = 1; round <= ROUNDS + WARM_UP_ROUNDS; round++) {
      // Which comes first changes at random, so that neither profits from the other.
      const kinds = Math.random() < 0.5 ? (['known', 'missing'] as const) : (['missing', 'known'] as const)
      for (const kind of kinds) {
        const from = performance.now()
        const answer = await fetch(`${url}/rpc/${pair.name}`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            ...(token ? { authorization: `Bearer ${token}` } : {}),
          },
          body: JSON.stringify(pair[kind](round)),
        })
        await answer.text()
        const ms = performance.now() - from
        statuses.add(answer.status)
        if (round > WARM_UP_ROUNDS) times[kind].push(ms)
      }
    }
    const area = areaUnderCurve(times.known, times.missing)
    const isFine = area >= LOWEST && area <= HIGHEST && statuses.size === 1
    isOk &&= isFine
    rows.push([
      isFine ? '✓' : '✗',
      pair.name,
      [...statuses].join(', '),
      `${spread(times.known).p50Ms.toFixed(2)} ms`,
      `${spread(times.missing).p50Ms.toFixed(2)} ms`,
      area.toFixed(3),
    ])
  }
  console.log(renderTable(['', 'function', 'status', 'existing, median', 'missing, median', 'AUC'], rows))
  console.log(`${ROUNDS} of each; target ${LOWEST} to ${HIGHEST}, one status.`)
  return isOk ? 0 : 1
}
