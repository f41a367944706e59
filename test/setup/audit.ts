/** Sealing in tests: transactions of other databases on the same server hold a seal back, so it is asked for until done. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestDatabase } from './database.ts'

const PATIENCE_MS = 20_000

/** Seals until nothing is left unsealed. */
export async function sealAll(db: TestDatabase): Promise<void> {
  const until = performance.now() + PATIENCE_MS
  while (performance.now() < until) {
    await db.as('howdah_worker').query('select core.seal_audit()')
    const { rows } = await db.owner.query(
      `select not exists (
         select from core.audit_log as e
         where e.transaction_id >= coalesce((select s.until_transaction from core.audit_seals as s order by s.number desc limit 1), '0')
       ) as done`,
    )
    if (rows[0].done) return
    await sleep(20)
  }
  throw new Error(`After ${PATIENCE_MS / 1000} seconds there are still events that no seal covers.`)
}
