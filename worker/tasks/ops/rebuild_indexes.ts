/** Makes bloated indexes anew, and drops what a rebuild that was cut off has left. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'
import { rebuildIndexes } from '../../upkeep/maintain.ts'

export const payload = z.object({})

export const task = defineTask(payload, (_payload, context) => rebuildIndexes(context))

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/rebuild_indexes': z.infer<typeof payload>
    }
  }
}
