/** An analytics event on its way to the server. */
import { z } from 'zod'
import { json } from '../schema/json.ts'

/** As track_events takes it; occurred_at is by the client's own clock, the id's instant by the server's where known. */
export const trackedEvent = z.object({
  id: z.string(),
  name: z.string(),
  visitor_id: z.string(),
  session_id: z.string(),
  occurred_at: z.string(),
  properties: z.record(z.string(), json()),
})

export type TrackedEvent = z.infer<typeof trackedEvent>
