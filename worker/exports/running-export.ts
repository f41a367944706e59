/** The database's side of an export: taking one, keeping what it makes, and noting what became of it. */
import type pg from 'pg'
import { z } from 'zod'
import { WorkerError } from '../worker-error.ts'
import type { Manifest } from './manifest.ts'

/** An export that this worker works on. Each attempt has its number, so that an old one cannot write into a new one. */
export type RunningExport = { id: string; attempt: number }

/** How far it is. */
export type Progress = { dataAsOf: string; tableCount: number; tablesDone: number; rowsDone: number }

const answer = <T extends z.ZodType>(value: T) => z.tuple([z.object({ value })])

/** Takes an export; null when there is nothing to do. */
export async function beginExport(pool: pg.Pool, id: string): Promise<RunningExport | null> {
  const { rows } = await pool.query('select gdpr.begin_data_export($1) as value', [id])
  const [{ value: attempt }] = answer(z.int().nullable()).parse(rows)
  return attempt === null ? null : { id, attempt }
}

/** Keeps a part of the file. @throws data_export_over */
export async function addPart(
  pool: pg.Pool,
  { id, attempt }: RunningExport,
  number: number,
  content: Buffer,
): Promise<void> {
  const { rows } = await pool.query('select gdpr.add_data_export_part($1, $2, $3, $4) as value', [
    id,
    attempt,
    number,
    content,
  ])
  requireOurs(rows, id)
}

/** Notes how far it is. @throws data_export_over */
export async function noteProgress(
  pool: pg.Pool,
  { id, attempt }: RunningExport,
  { dataAsOf, tableCount, tablesDone, rowsDone }: Progress,
): Promise<void> {
  const { rows } = await pool.query(
    'select gdpr.note_data_export_progress($1, $2, $3, $4, $5, $6) as value',
    [id, attempt, dataAsOf, tableCount, tablesDone, rowsDone],
  )
  requireOurs(rows, id)
}

/** Hands the file over to its owner. @throws data_export_over */
export async function finishExport(
  pool: pg.Pool,
  { id, attempt }: RunningExport,
  sha256: Buffer,
  manifest: Manifest,
): Promise<void> {
  const { rows } = await pool.query('select gdpr.finish_data_export($1, $2, $3, $4, $5) as value', [
    id,
    attempt,
    manifest.row_count,
    sha256,
    JSON.stringify(manifest),
  ])
  requireOurs(rows, id)
}

/** Notes that the attempt failed; answers whether there will be another. */
export async function giveUpExport(
  pool: pg.Pool,
  { id, attempt }: RunningExport,
  key: string,
): Promise<boolean> {
  const { rows } = await pool.query('select gdpr.give_up_data_export($1, $2, $3) as value', [
    id,
    attempt,
    key,
  ])
  return answer(z.boolean()).parse(rows)[0].value
}

/** The account was erased, or another worker has begun anew: whatever this attempt does is of no use. */
export function exportOver(id: string): WorkerError {
  return new WorkerError('data_export_over', `Export ${id} is no longer this attempt's to work on.`)
}

function requireOurs(rows: unknown, id: string): void {
  if (!answer(z.boolean()).parse(rows)[0].value) throw exportOver(id)
}
