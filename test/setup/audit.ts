/** Sealing in tests: transactions of other databases on the same server hold a seal back, so they are waited for. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestDatabase } from './database.ts'

const PATIENCE_MS = 20_000

/** One seal over everything that no seal covers yet. */
export async function sealAll(db: TestDatabase): Promise<void> {
  const until = performance.now() + PATIENCE_MS
  while (performance.now() < until) {
    const { rows } = await db.owner.query(
      `select not exists (
         select from core.audit_log as e where e.transaction_id >= pg_snapshot_xmin(pg_current_snapshot())
       ) as is_over`,
    )
    if (rows[0].is_over) {
      await db.as('howdah_worker').query('select core.seal_audit()')
      return
    }
    await sleep(20)
  }
  throw new Error(`After ${PATIENCE_MS / 1000} seconds transactions still run that would hold a seal back.`)
}
