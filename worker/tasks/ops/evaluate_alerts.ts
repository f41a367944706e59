/** Measures everything once a minute and says in the log what became bad, and what is well again. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'
import { diskUsage } from '../../running/disk-usage.ts'

export const payload = z.object({})

const changes = z.array(
  z.object({
    event: z.enum(['opened', 'changed', 'resolved']),
    metric: z.string(),
    labels: z.record(z.string(), z.unknown()),
    severity: z.enum(['warn', 'critical']),
    value: z.coerce.number(),
  }),
)

export const task = defineTask(payload, async (_payload, { pool, log, dataDir, clusterDir }) => {
  for (const [place, folder] of Object.entries({ worker: dataDir, postgres: clusterDir })) {
    const usage = folder === undefined ? undefined : await diskUsage(folder)
    if (usage) await pool.query('select ops.record_disk_usage($1, $2, $3)', [place, usage.total, usage.free])
  }
  const { rows } = await pool.query(
    'select event, metric, labels, severity, value from ops.evaluate_alerts()',
  )
  for (const { event, metric, labels, severity, value } of changes.parse(rows)) {
    const say = event === 'resolved' ? log.info : severity === 'critical' ? log.error : log.warn
    say(`alert ${event}`, { metric, labels, severity, value })
  }
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'ops/evaluate_alerts': z.infer<typeof payload>
    }
  }
}
