/** By the clock: closes gaps of the ledger outside the database, asks again for proofs that got lost, forgets old words. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'
import { copyErasures } from '../../proof/copy-erasures.ts'
import { erasureFile } from '../../proof/erasure-file.ts'
import { loadSigningKey } from '../../proof/signing-key.ts'

export const payload = z.object({})

export const task = defineTask(payload, async (_payload, { pool, log, dataDir, ledgerDir }) => {
  await pool.query('select gdpr.forget_erasure_words()')
  await pool.query('select gdpr.enqueue_open_proofs()')
  const count = await copyErasures(pool, erasureFile(ledgerDir ?? dataDir), loadSigningKey(dataDir))
  if (count > 0) log.info('closed a gap in the ledger of erasures', { count })
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'gdpr/keep_ledger': z.infer<typeof payload>
    }
  }
}
