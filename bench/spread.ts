/** Durations summed up the way the targets are stated. */

/** Middle, nearly worst and worst of some durations, in milliseconds. */
export type Spread = { count: number; p50Ms: number; p95Ms: number; maxMs: number }

/** @throws when there are no durations: a figure from nothing would look like a good one */
export function spread(durationsMs: readonly number[]): Spread {
  const sorted = durationsMs.toSorted((a, b) => a - b)
  const at = (share: number) => {
    const value = sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]
    if (value === undefined) throw new Error('Nothing was measured, so there is no p95.')
    return value
  }
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1) }
}
