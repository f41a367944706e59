/** Work that nobody else should be doing at the same time: another worker, or a turn of the clock before this one. */
import type pg from 'pg'

/**
 * Runs `work` with a connection that holds a lock of this name; answers undefined, and does nothing, while another has it.
 * The lock ends with the connection, so a worker that dies leaves none behind.
 */
export async function alone<T>(
  pool: pg.Pool,
  name: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T | undefined> {
  const client = await pool.connect()
  const key = `howdah:alone:${name}`
  let isBroken = false
  try {
    const { rows } = await client.query<{ is_mine: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as is_mine',
      [key],
    )
    if (!rows[0]?.is_mine) return undefined
    try {
      return await work(client)
    } finally {
      await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', [key]).catch(() => {
        isBroken = true
      })
    }
  } finally {
    client.release(isBroken)
  }
}
