/** The log as a superuser would forge it, and as it would be had it begun earlier. */
import type { TestDatabase } from '../../../setup/database.ts'
import type { Attack } from './tampering.ts'

/** Forges as a superuser with all triggers off, asks for a verdict, and undoes it. */
export async function forged<T>(
  db: TestDatabase,
  attack: Attack,
  ask: (client: Parameters<Attack>[0], aim: Awaited<ReturnType<Attack>>) => Promise<T>,
): Promise<T> {
  const client = await db.superuser.connect()
  try {
    await client.query('begin; set local session_replication_role = replica')
    const aim = await attack(client)
    return await ask(client, aim)
  } finally {
    await client.query('rollback')
    client.release()
  }
}

/** Makes all that was logged so far older, truly: with hashes and seals that fit, before any copy is taken. */
export async function datedBack(db: TestDatabase, interval: string): Promise<void> {
  const client = await db.superuser.connect()
  try {
    await client.query('begin; set local session_replication_role = replica')
    await client.query('delete from core.audit_seals')
    await client.query(
      `select ops.create_monthly_partitions('core.audit_log');
       update core.audit_log set occurred_at = occurred_at - interval '${interval}';
       update core.audit_log e set row_hash = core.audit_row_hash(e)`,
    )
    await client.query('commit')
  } finally {
    client.release()
  }
}
