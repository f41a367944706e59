/**
 * What an export reads: one transaction that sees one moment, however long it takes, and a cursor in it, so that nobody
 * holds more than a batch of rows.
 */
import type pg from 'pg'
import { z } from 'zod'
import { exportOver, type RunningExport } from './running-export.ts'

/** Small enough that a batch of the largest rows (briefings, 50 kB) fits in a few megabytes. */
const ROWS_AT_ONCE = 100

/** A snapshot keeps dead rows from being cleaned up everywhere, so there is an end to it. In milliseconds. */
const LONGEST_MS = 3_600_000

/** How long the file may keep the reading side waiting. In milliseconds. */
const LONGEST_PAUSE_MS = 300_000

const table = z.object({
  user_id: z.uuid(),
  data_as_of: z.date(),
  relation: z.string(),
  columns: z.array(z.string()),
})
const tables = z.tuple([table], table)
const opened = z.tuple([z.object({ cursor: z.string().nullable() })])
const batch = z.array(z.object({ row: z.string() }))

/** Each row as the text of a JSON object, or as the text of a JSON array of its values as texts. */
export type RowFormat = 'json' | 'csv'

/** An account's data as they were at one moment. Dispose it. */
export type Snapshot = AsyncDisposable & {
  userId: string
  /** ISO 8601. */
  dataAsOf: string
  tables: { relation: string; columns: string[] }[]
  /** A table's rows in batches, none of them empty. One table at a time. */
  rows(relation: string, format: RowFormat): AsyncGenerator<string[]>
}

/** Opens it. @throws data_export_over */
export async function openSnapshot(pool: pg.Pool, running: RunningExport): Promise<Snapshot> {
  const client = await pool.connect()
  try {
    await client.query('begin isolation level repeatable read read only')
    await client.query(
      `select set_config(s.name, s.milliseconds, true)
       from (values ('transaction_timeout', $1), ('idle_in_transaction_session_timeout', $2)) as s (name, milliseconds)
       where exists (select from pg_settings as known where known.name = s.name)`,
      [String(LONGEST_MS), String(LONGEST_PAUSE_MS)],
    )
    const { rows } = await client.query('select * from gdpr.read_data_export_tables($1, $2)', [
      running.id,
      running.attempt,
    ])
    if (rows.length === 0) throw exportOver(running.id)
    const read = tables.parse(rows)
    return {
      userId: read[0].user_id,
      dataAsOf: read[0].data_as_of.toISOString(),
      tables: read.map(({ relation, columns }) => ({ relation, columns })),
      rows: (relation, format) => fetchRows(client, running, relation, format),
      [Symbol.asyncDispose]: () => close(client),
    }
  } catch (error) {
    await close(client)
    throw error
  }
}

async function* fetchRows(
  client: pg.PoolClient,
  { id, attempt }: RunningExport,
  relation: string,
  format: RowFormat,
): AsyncGenerator<string[]> {
  const { rows } = await client.query('select gdpr.open_data_export_table($1, $2, $3, $4) as cursor', [
    id,
    attempt,
    relation,
    format,
  ])
  if (opened.parse(rows)[0].cursor === null) throw exportOver(id)
  for (;;) {
    const fetched = await client.query(`fetch ${ROWS_AT_ONCE} from data_export_rows`)
    if (fetched.rows.length === 0) break
    yield batch.parse(fetched.rows).map(({ row }) => row)
  }
  await client.query('close data_export_rows')
}

async function close(client: pg.PoolClient): Promise<void> {
  let broken: Error | undefined
  await client.query('rollback').catch((failure: Error) => {
    broken = failure
  })
  client.release(broken)
}
