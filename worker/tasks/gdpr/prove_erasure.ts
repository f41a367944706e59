/**
 * After each erasure: first the ledger outside the database gets its line, so that no restored backup undoes it; then the
 * whole database is searched for what should be gone, and the result is signed. Each step finds done what is done.
 */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'
import { copyErasures } from '../../proof/copy-erasures.ts'
import { erasureFile } from '../../proof/erasure-file.ts'
import { loadSigningKey } from '../../proof/signing-key.ts'
import { WorkerError } from '../../worker-error.ts'

export const payload = z.object({ erasure_id: z.uuid() })

const proof = z.looseObject({ hits: z.array(z.looseObject({ relation: z.string(), form: z.string() })) })

export const task = defineTask(payload, async ({ erasure_id }, { pool, log, dataDir, ledgerDir }) => {
  const key = loadSigningKey(dataDir)
  await copyErasures(pool, erasureFile(ledgerDir ?? dataDir), key)
  const found = await verify(pool, erasure_id)
  const { hits } = proof.parse(found)
  if (hits.length > 0) {
    const places = hits.map(({ relation, form }) => `${relation} (${form})`).join(', ')
    throw new WorkerError('erasure_not_proven', `Erasure ${erasure_id} left something behind: ${places}.`, {
      hint: 'select proof from gdpr.erasure_ledger tells more. It is searched again by itself; docs/erasure-proof.md',
    })
  }
  await pool.query('select gdpr.sign_erasure($1, $2, $3)', [erasure_id, key.current.id, key.sign(found)])
  log.info('an erasure is proven', { erasure: erasure_id })
})

type Pool = Parameters<typeof copyErasures>[0]

/** A big database takes longer to read than the worker may take for anything else. */
async function verify(pool: Pool, erasureId: string): Promise<unknown> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query(
      `select set_config(s.name, '0', true) from pg_settings as s
       where s.name in ('statement_timeout', 'transaction_timeout')`,
    )
    const { rows } = await client.query<{ proof: unknown }>('select gdpr.verify_erasure($1) as proof', [
      erasureId,
    ])
    await client.query('commit')
    return rows[0]?.proof
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  } finally {
    client.release()
  }
}

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'gdpr/prove_erasure': z.infer<typeof payload>
    }
  }
}
