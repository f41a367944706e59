/** A request as private.signed_webhook() makes it: the database signs, the worker posts. */
import { z } from 'zod'

export const signedRequest = z.object({
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
})
