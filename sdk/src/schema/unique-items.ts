/** JSON Schema's uniqueItems. */
import { z } from 'zod'

/** No two elements are equal as JSON: the order of an object's keys does not tell them apart. */
export function uniqueItems(): z.core.$ZodCheck<unknown[]> {
  return z.refine(
    (items: unknown[]) => new Set(items.map(canonical)).size === items.length,
    'must not hold an element twice',
  )
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
