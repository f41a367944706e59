/** Lengths as Postgres counts them, which is not what `string.length` says. */
import { z } from 'zod'
import { type Bounds, withinBounds } from './bounds.ts'

/** `char_length(…)` between the bounds: an emoji beyond the BMP counts once. */
export function codePoints(bounds: Bounds): z.core.$ZodCheck<string> {
  return z.refine((value: string) => withinBounds(countCodePoints(value), bounds), {
    error: () => `must have ${describe(bounds)} characters`,
  })
}

/** `octet_length(…)` between the bounds: bytes of UTF-8. */
export function bytes(bounds: Bounds): z.core.$ZodCheck<string> {
  return z.refine((value: string) => withinBounds(new TextEncoder().encode(value).length, bounds), {
    error: () => `must have ${describe(bounds)} bytes`,
  })
}

function countCodePoints(value: string): number {
  let count = 0
  for (const _ of value) count++
  return count
}

function describe({ min, max }: Bounds): string {
  if (min === undefined) return `at most ${max}`
  return max === undefined ? `at least ${min}` : `${min} to ${max}`
}
