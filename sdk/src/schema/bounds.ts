/** Bounds of a count, both included; a bound left out does not bind. */
export type Bounds = { min?: number; max?: number }

/** Whether a count lies between the bounds. */
export function withinBounds(count: number, { min = 0, max = Number.POSITIVE_INFINITY }: Bounds): boolean {
  return count >= min && count <= max
}
