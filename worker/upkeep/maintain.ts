/**
 * VACUUM and REINDEX CONCURRENTLY, which no function can call: one statement each, outside of any transaction. The worker
 * has the right to since Postgres 17; before, npm run db:maintain does it as the owner.
 */
import type pg from 'pg'
import { z } from 'zod'
import type { Log } from '../log.ts'
import { alone } from '../running/alone.ts'
import { WorkerError } from '../worker-error.ts'

const tables = z.array(z.object({ relation: z.string(), reason: z.string() }))
const indexes = z.array(z.object({ index: z.string(), bloat_ratio: z.coerce.number() }))

/** Postgres before 17 has two of them. */
const LIMITS = `from pg_settings where name in ('statement_timeout', 'lock_timeout', 'transaction_timeout')`

/** What the two below need of whoever calls them. */
export type Maintenance = { pool: pg.Pool; log: Log; signal: AbortSignal }

/** Vacuums what autovacuum has left; answers how many tables, undefined while another is at it. */
export function vacuumTables(maintenance: Maintenance): Promise<number | undefined> {
  return unhurried(maintenance, 'vacuum', async (client) => {
    const { rows } = await client.query('select relation, reason from ops.tables_to_vacuum()')
    const todo = tables.parse(rows).map(({ relation, reason }) => ({
      statement: `vacuum (analyze) ${relation}`,
      note: { relation, reason },
    }))
    return runAll(client, todo, maintenance, 'vacuumed a table')
  })
}

/** Makes bloated indexes anew beside the old ones; answers how many, undefined while another is at it. */
export function rebuildIndexes(maintenance: Maintenance): Promise<number | undefined> {
  return unhurried(maintenance, 'reindex', async (client) => {
    const { rows: broken } = await client.query<{ index: string }>(
      'select index from ops.drop_broken_indexes() as b (index)',
    )
    for (const { index } of broken)
      maintenance.log.warn('dropped an index that was never finished', { index })
    const { rows } = await client.query('select index, bloat_ratio from ops.indexes_to_rebuild()')
    const todo = indexes.parse(rows).map(({ index, bloat_ratio }) => ({
      statement: `reindex index concurrently ${index}`,
      note: { index, bloat_ratio },
    }))
    return runAll(client, todo, maintenance, 'rebuilt an index')
  })
}

type Step = { statement: string; note: Record<string, unknown> }

/** The names in the statements are quoted where they come from (ops.tables_to_vacuum, ops.indexes_to_rebuild). */
async function runAll(
  client: pg.PoolClient,
  steps: Step[],
  { log, signal }: Maintenance,
  said: string,
): Promise<number> {
  if (steps.length > 0) await requirePermission(client)
  let done = 0
  for (const { statement, note } of steps) {
    signal.throwIfAborted()
    const startedAt = performance.now()
    await client.query(statement)
    log.info(said, { ...note, ms: Math.round(performance.now() - startedAt) })
    done++
  }
  return done
}

/**
 * One at a time, and as long as it takes: what these statements hold keeps nobody from reading or writing. A worker that
 * stops cancels the one at work.
 */
function unhurried(
  { pool, signal }: Maintenance,
  name: string,
  work: (client: pg.PoolClient) => Promise<number>,
): Promise<number | undefined> {
  return alone(pool, name, async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const cancel = () =>
      void pool.query('select pg_cancel_backend($1)', [rows[0]?.pid]).catch(() => undefined)
    signal.addEventListener('abort', cancel, { once: true })
    try {
      // A rebuild waits for transactions that are older than it.
      await client.query(`select set_config(name, '0', false) ${LIMITS}`)
      return await work(client)
    } finally {
      signal.removeEventListener('abort', cancel)
      await client.query(`select set_config(name, reset_val, false) ${LIMITS}`).catch(() => undefined)
    }
  })
}

/** @throws maintenance_not_permitted where Postgres would warn, skip the table and go on */
async function requirePermission(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ may: boolean }>('select ops.may_maintain() as may')
  if (rows[0]?.may) return
  throw new WorkerError(
    'maintenance_not_permitted',
    'There are tables to vacuum or indexes to rebuild, and the worker may not: this server is older than Postgres 17, or npm run db:init has not run since it was upgraded.',
    { hint: 'Run npm run db:maintain, which does it as the owner; docs/maintenance.md tells how often.' },
  )
}
