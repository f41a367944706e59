/**
 * A moment that two clusters agree on. A snapshot knows which transactions it sees, the log knows an order; only while
 * nobody writes are both the same. So all tables are locked against writing for the blink in which a snapshot is taken and
 * a named restore point is written. The figures are counted afterwards, in the snapshot, while everybody writes on.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { withClient } from '../provision/with-client.ts'
import { StackError } from '../stack-error.ts'
import { figureTables, readFigures } from './figures.ts'
import type { BackupManifest } from './manifest.ts'

/** As long as writers may have to wait behind us when somebody else's long transaction keeps us waiting. */
const LOCK_TIMEOUT = '500ms'
const ATTEMPTS = 60
const PAUSE_MS = 500

/** lock_not_available, deadlock_detected, and a table that went meanwhile. Source: PostgreSQL, Appendix A. */
const TRY_AGAIN = ['55P03', '40P01', '42P01']

/**
 * Writes the restore point and reads the figures of exactly that moment.
 * @throws backup_failed when some transaction writes for so long that no moment was found
 */
export function markMoment(
  connectionString: string,
  name: string,
): Promise<Pick<BackupManifest, 'restore_point' | 'figures'>> {
  return withClient(connectionString, (reader) =>
    withClient(connectionString, async (locker) => {
      // A deadlock is ours to lose: we notice it long before the writer would. It also asks autovacuum to step aside.
      await locker.query(
        `set deadlock_timeout = '50ms'; set lock_timeout = '${LOCK_TIMEOUT}'; set statement_timeout = 0`,
      )
      for (let attempt = 1; ; attempt += 1) {
        try {
          const lsn = await tryToMark(locker, reader, name)
          const figures = await readFigures(reader)
          await reader.query('commit')
          return { restore_point: { name, lsn }, figures }
        } catch (error) {
          const mayTryAgain = error instanceof pg.DatabaseError && TRY_AGAIN.includes(error.code ?? '')
          if (!mayTryAgain) throw error
          await locker.query('rollback')
          await reader.query('rollback')
          if (attempt === ATTEMPTS) throw tooBusy()
          await sleep(PAUSE_MS)
        }
      }
    }),
  )
}

async function tryToMark(locker: pg.Client, reader: pg.Client, name: string): Promise<string> {
  // Postgres locks no materialized view by name. Whoever refreshes one here notes it in a table, and waits there.
  const tables = (await figureTables(locker))
    .filter(({ isTable }) => isTable)
    .map(({ name }) => name)
    .join(', ')
  await locker.query('begin')
  if (tables) await locker.query(`lock table ${tables} in share mode`)
  await reader.query('begin isolation level repeatable read read only')
  await reader.query('select 1')
  const { rows } = await locker.query<{ lsn: string }>('select pg_create_restore_point($1)::text as lsn', [
    name,
  ])
  await locker.query('rollback')
  return rows[0]?.lsn ?? ''
}

function tooBusy(): StackError {
  return new StackError(
    'backup_failed',
    'Some transaction held a table for the whole time, so there was no moment to take the figures of.',
    'See who: npm run db:sql -- "select * from get_long_running_queries(5)". End it, or try again later.',
  )
}
