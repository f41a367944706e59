/**
 * Seals what was written to the audit log and copies the new seals out of the database, where nobody who can change the
 * database can change them as well. A turn that died between the two is made good by the next one.
 */
import { z } from 'zod'
import { appendSealLines, newestSealLine, sealFile } from '../../audit/seal-file.ts'
import { defineTask } from '../../define-task.ts'
import { WorkerError } from '../../worker-error.ts'

export const payload = z.object({})

const BATCH_SIZE = 1000

const answer = z.array(
  z.object({
    seal: z.coerce.number().int(),
    hash: z.string(),
    last_event: z.coerce.number().int(),
    sealed_at: z.date().transform((instant) => instant.toISOString()),
  }),
)

export const task = defineTask(payload, async (_payload, { pool, log, signal, dataDir }) => {
  await pool.query('select from core.seal_audit()')
  const path = sealFile(dataDir)
  for (;;) {
    signal.throwIfAborted()
    const known = await newestSealLine(path)
    // The one that is known comes again, so that it can be compared.
    const after = (known?.seal ?? 1) - 1
    const { rows } = await pool.query(
      'select seal, hash, last_event, sealed_at from core.list_audit_seals($1, $2)',
      [after, BATCH_SIZE],
    )
    const seals = answer.parse(rows)
    const first = seals[0]
    if (known && first?.hash !== known.hash) {
      throw new WorkerError(
        'audit_seals_differ',
        `${path} ends with seal ${known.seal} (${known.hash}); the database has ${first ? `seal ${first.seal} (${first.hash})` : 'no such seal'}.`,
        {
          hint: 'The audit log was cut off or rewritten, or an older backup was restored: docs/audit.md says what to do.',
        },
      )
    }
    const fresh = known ? seals.slice(1) : seals
    await appendSealLines(path, fresh)
    const newest = fresh.at(-1)
    // The log of the worker leaves the machine too, where logs are collected.
    if (newest) log.info('sealed the audit log', { seal: newest.seal, hash: newest.hash })
    if (seals.length < BATCH_SIZE) return
  }
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/seal_audit': z.infer<typeof payload>
    }
  }
}
