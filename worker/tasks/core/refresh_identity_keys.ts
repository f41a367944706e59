/** Fetches the keys of every issuer whose turn it is. One that fails keeps its old keys and is asked again by schedule. */
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'
import { fetchKeys } from '../../identities/fetch-keys.ts'

export const payload = z.object({})

const due = z.array(z.object({ issuer: z.string(), jwks_url: z.string() }))

export const task = defineTask(payload, async (_payload, { pool, allow, signal, log }) => {
  const { rows } = await pool.query('select issuer, jwks_url from core.claim_identity_issuers()')
  for (const { issuer, jwks_url } of due.parse(rows)) {
    try {
      const keys = await fetchKeys(jwks_url, { allow, signal })
      await pool.query('select core.store_identity_keys($1, $2)', [issuer, JSON.stringify(keys)])
    } catch (error) {
      signal.throwIfAborted()
      const message = error instanceof Error ? error.message : String(error)
      await pool.query('select core.record_identity_failure($1, $2)', [issuer, message])
      log.warn('keys of an issuer not fetched', { issuer, error: message })
    }
  }
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/refresh_identity_keys': z.infer<typeof payload>
    }
  }
}
