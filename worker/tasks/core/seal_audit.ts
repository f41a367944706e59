/**
 * Seals what was written to the audit log and copies the new seals out of the database, where nobody who can change the
 * database can change them as well. A turn that died between the two is made good by the next one.
 */
import type pg from 'pg'
import { z } from 'zod'
import { appendSealLines, newestSealLine, type SealLine, sealFile } from '../../audit/seal-file.ts'
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
  const { rows: notes } = await pool.query<{ what: string | null }>('select core.note_server_start() as what')
  if (notes[0]?.what) log.info('noted a server that is not what it was', { what: notes[0].what })
  await pool.query('select from core.seal_audit()')
  const path = sealFile(dataDir)
  for (;;) {
    signal.throwIfAborted()
    const known = await newestSealLine(path)
    const after = known ? await placeOf(pool, known, path) : 0
    const { rows } = await pool.query(
      'select seal, hash, last_event, sealed_at from core.list_audit_seals($1, $2)',
      [after, BATCH_SIZE],
    )
    const fresh = answer.parse(rows)
    await appendSealLines(path, fresh)
    const newest = fresh.at(-1)
    // The log of the worker leaves the machine too, where logs are collected.
    if (newest) log.info('sealed the audit log', { seal: newest.seal, hash: newest.hash })
    if (fresh.length < BATCH_SIZE) return
  }
})

/**
 * After which seal the copy goes on.
 * @throws audit_seals_differ when the database never had the copy's last line, and nobody has answered for that
 */
async function placeOf(pool: pg.Pool, known: SealLine, path: string): Promise<number> {
  const { rows } = await pool.query('select core.find_copied_seal($1, $2)::int as place', [
    known.seal,
    known.hash,
  ])
  const { place } = z.object({ place: z.int().nullable() }).parse(rows[0])
  if (place !== null) return place
  throw new WorkerError(
    'audit_seals_differ',
    `${path} ends with seal ${known.seal} (${known.hash}); the database has no such seal.`,
    {
      hint: 'The audit log was cut off or rewritten, or an older backup was restored: docs/audit.md says what to do.',
    },
  )
}

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/seal_audit': z.infer<typeof payload>
    }
  }
}
