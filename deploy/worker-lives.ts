/** Whether the worker of this machine is at work: it holds its advisory lock as long as it lives. */

/** Anything that runs SQL. */
export type Queryable = { query(sql: string): Promise<{ rows: unknown[] }> }

/** Asks over a connection of howdah_worker that comes from the worker's own address. */
export async function workerLives(database: Queryable): Promise<boolean> {
  const { rows } = await database.query(`
    select from pg_locks as l
    join pg_stat_activity as a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted
      and l.database = (select oid from pg_database where datname = current_database())
      and a.application_name = 'howdah-worker-liveness'
      and a.client_addr is not distinct from inet_client_addr()
    limit 1`)
  return rows.length > 0
}
