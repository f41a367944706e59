/** Patterns, translated from the database's by the generator. */
import { z } from 'zod'

/** The text matches the pattern. */
export function matches(pattern: RegExp): z.core.$ZodCheck<string> {
  return z.refine((value: string) => pattern.test(value), { error: () => `must match ${pattern.source}` })
}

/** The text does not match the pattern. */
export function matchesNot(pattern: RegExp): z.core.$ZodCheck<string> {
  return z.refine((value: string) => !pattern.test(value), {
    error: () => `must not match ${pattern.source}`,
  })
}
