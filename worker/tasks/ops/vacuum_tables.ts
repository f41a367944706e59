/** Vacuums what autovacuum has left. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'
import { vacuumTables } from '../../upkeep/maintain.ts'

export const payload = z.object({})

export const task = defineTask(payload, (_payload, context) => vacuumTables(context))

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/vacuum_tables': z.infer<typeof payload>
    }
  }
}
