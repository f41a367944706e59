/** A table that says of each row when it was committed, and writers that fill it while something else happens. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { ScratchCluster } from './scratch-cluster.ts'

/** Needs track_commit_timestamp = on. */
export const LEDGER_PARAMETERS: Record<string, string> = { track_commit_timestamp: 'on' }

/** Writers at work. */
export type Load = {
  /** Waits until so many more rows were acknowledged. */
  more(rows: number): Promise<void>
  /** Ends it, and answers how many there were. */
  stop(): Promise<number>
}

/** Makes the table. */
export async function makeLedger(cluster: ScratchCluster): Promise<void> {
  await cluster.sql(
    'create table ledger (id bigint generated always as identity primary key, note text not null)',
  )
}

/** Writes with several connections until stop(), which answers how many rows were acknowledged. */
export function writeLedger(cluster: ScratchCluster, writers = 4): Load {
  let isOver = false
  let count = 0
  const work = Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      const client = new pg.Client(cluster.url)
      await client.connect()
      while (!isOver) {
        await client.query('insert into ledger (note) values ($1)', [`from writer ${writer}`])
        count += 1
        if (count % 16 === 0) await sleep(1)
      }
      await client.end()
    }),
  )
  return {
    more: async (rows) => {
      for (const until = count + rows; count < until; ) await Promise.race([work, sleep(5)])
    },
    stop: async () => {
      isOver = true
      await work
      return count
    },
  }
}

/** Row ids as the source knows them to have been committed by a moment. */
export async function committedBy(cluster: ScratchCluster, moment: Date): Promise<string[]> {
  const rows = await cluster.sql<{ id: string }>(
    'select id::text from ledger where pg_xact_commit_timestamp(xmin) <= $1 order by ledger.id',
    [moment],
  )
  return rows.map(({ id }) => id)
}

/** Row ids of whatever server the URL names. */
export async function idsAt(adminUrl: string): Promise<string[]> {
  const client = new pg.Client(adminUrl)
  await client.connect()
  try {
    const { rows } = await client.query<{ id: string }>('select id::text from ledger order by ledger.id')
    return rows.map(({ id }) => id)
  } finally {
    await client.end()
  }
}

/** Closes the segment in use and waits until it is in the archive. */
export async function archiveEverything(cluster: ScratchCluster): Promise<void> {
  const [current] = await cluster.sql<{ name: string }>(
    `select pg_walfile_name(pg_current_wal_insert_lsn()) as name, pg_create_restore_point('end')`,
  )
  await cluster.sql('select pg_switch_wal()')
  for (const end = Date.now() + 10_000; Date.now() < end; await sleep(20)) {
    const [archiver] = await cluster.sql<{ last: string | null }>(
      'select last_archived_wal as last from pg_stat_archiver',
    )
    if (archiver?.last && archiver.last.slice(0, 24) >= (current?.name ?? '')) return
  }
  throw new Error(`Segment ${current?.name} did not reach the archive.`)
}
