/** A superuser's transaction that leaves nothing behind: where defects are planted. */
import type pg from 'pg'
import type { TestDatabase } from '../../setup/database.ts'

/** Runs `work` and rolls back, whatever it did. */
export async function rolledBack<T>(
  db: TestDatabase,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await db.superuser.connect()
  try {
    await client.query('begin')
    return await work(client)
  } finally {
    await client.query('rollback')
    client.release()
  }
}
