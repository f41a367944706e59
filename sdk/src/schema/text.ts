/** Texts as Postgres keeps them. */
import { z } from 'zod'

/**
 * A text that Postgres can store: no NUL character and no half of a surrogate pair.
 * @example
 * const note = text(codePoints({ max: 2000 }))
 */
export function text(...rules: z.core.$ZodCheck<string>[]): z.ZodString {
  return z.string().check(storable, ...rules)
}

const storable = z.refine<string>(
  (value) => !value.includes('\0') && value.isWellFormed(),
  'must be text without NUL characters or broken surrogate pairs',
)
