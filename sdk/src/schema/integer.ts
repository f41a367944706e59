/** Whole numbers of JSON Schema. */
import { z } from 'zod'

/** A number without a fraction, however large; `z.int()` would refuse what lies beyond 2^53. */
export function integer(): z.ZodNumber {
  return z.number().check(z.refine(Number.isInteger, 'must be a whole number'))
}
