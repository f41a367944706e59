/** Looks for the TXT record of a claimed domain. What was found is judged in SQL; a failure is its next turn's matter. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({ domain_id: z.uuid() })

const asked = z.tuple([z.object({ name: z.string().nullable() })])
const judged = z.tuple([z.object({ outcome: z.string() })])

export const task = defineTask(payload, async ({ domain_id }, { pool, lookUpTxt, log }) => {
  const { rows } = await pool.query('select core.domain_to_check($1) as name', [domain_id])
  const { name } = asked.parse(rows)[0]
  if (!name) return
  const records = await lookUpTxt(name)
  // Postgres keeps no NUL, and a record that holds one is not ours.
  const texts = records?.filter((record) => !record.includes('\0')) ?? null
  const answer = await pool.query('select core.record_domain_check($1, $2) as outcome', [domain_id, texts])
  log.info('domain checked', { domain: domain_id, outcome: judged.parse(answer.rows)[0].outcome })
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/check_domain': z.infer<typeof payload>
    }
  }
}
