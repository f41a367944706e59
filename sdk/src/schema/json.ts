/** Any value that JSON can hold. */
import { z } from 'zod'
import type { Json } from '../generated/database.ts'
import { text } from './text.ts'

/** Any JSON value a jsonb column can hold. Nothing in it is undefined, NaN or infinite. */
export function json(): z.ZodType<Json> {
  return JSON_VALUE
}

const JSON_VALUE: z.ZodType<Json> = z.lazy(() =>
  z.union([z.null(), z.boolean(), z.number(), text(), z.array(JSON_VALUE), z.record(text(), JSON_VALUE)]),
)
