/** How well a figure tells two groups apart. */

/**
 * The chance that a figure of the first group is larger than one of the second, ties counting half: 0.5 when the
 * groups cannot be told apart.
 * @throws when a group is empty: a figure from nothing would look like a good one
 */
export function areaUnderCurve(first: readonly number[], second: readonly number[]): number {
  if (first.length === 0 || second.length === 0)
    throw new Error('Nothing was measured, so nothing can be compared.')
  let wins = 0
  for (const a of first) for (const b of second) wins += a > b ? 1 : a === b ? 0.5 : 0
  return wins / (first.length * second.length)
}
