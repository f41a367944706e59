/** The key that stands for a code of PostgREST or Postgres. */
import { ERROR_CODES, type ErrorKey } from '../generated/errors.ts'

/** The key, or undefined for a code that nobody has named. */
export function keyOfCode(code: string | null | undefined): ErrorKey | undefined {
  // A server may send any text, also the name of something every object inherits.
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) ? ERROR_CODES[code] : undefined
}
