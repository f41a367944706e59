/** manifest.json: what a base backup holds, so that years later a program can tell a whole one from a damaged one. */
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { StackError } from '../stack-error.ts'

/** Raised when a reader of older backups would misread what is written. */
const FORMAT = 1

const digest = z.object({ count: z.int(), digest: z.string() })

const manifest = z.object({
  format: z.literal(FORMAT),
  /** server_version_num: 180004. */
  server_version: z.int(),
  /** Made by initdb, the same in every copy of a cluster. A string, because it has 64 bits. */
  system_identifier: z.string().regex(/^\d+$/),
  timeline: z.int(),
  wal_segment_bytes: z.int(),
  /** From here the log is needed; at stop_lsn the copy is consistent. */
  start_lsn: z.string(),
  stop_lsn: z.string(),
  started_at: z.iso.datetime(),
  finished_at: z.iso.datetime(),
  /** Whom to log in as after a restore. */
  superuser: z.string(),
  databases: z.array(z.string()),
  /** The database the figures are of, and the last migration it has (null: none of Howdah's). */
  database: z.string(),
  migration: z.string().nullable(),
  /** The moment of the figures, as a named restore point in the log. */
  restore_point: z.object({ name: z.string(), lsn: z.string() }),
  figures: z.object({
    /** Rows and a checksum over them, by table. */
    tables: z.record(z.string(), digest),
    /** The same over what the catalog says: policies, grants, roles, extensions, functions, relations. */
    catalog: z.record(z.string(), digest),
  }),
  /** By path below `data/`. */
  files: z.record(z.string(), z.object({ bytes: z.int(), sha256: z.string().length(64) })),
})

/** What manifest.json holds. */
export type BackupManifest = z.infer<typeof manifest>

/** Rows or lines, and a checksum over all of them whatever their order. */
export type Digest = z.infer<typeof digest>

/** Figures of one moment of a database. */
export type Figures = BackupManifest['figures']

/** The copied files of a backup stand in this folder beside the manifest. */
export const DATA_FOLDER = 'data'

/**
 * Reads and checks the manifest of the backup in a folder.
 * @throws backup_damaged
 */
export function readManifest(folder: string): BackupManifest {
  const path = join(folder, 'manifest.json')
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw unreadable(path, cause instanceof Error ? cause.message : String(cause), cause)
  }
  if (text.trim() === '') throw unreadable(path, 'it is empty')
  try {
    return manifest.parse(JSON.parse(text))
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : 'it is no JSON (truncated?)'
    throw unreadable(path, problem, cause)
  }
}

/** Writes it through to the disk. */
export async function writeManifest(folder: string, content: BackupManifest): Promise<void> {
  const file = await open(join(folder, 'manifest.json'), 'wx', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(content, null, 1)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Bytes of all files. */
export function totalBytes(content: Pick<BackupManifest, 'files'>): number {
  return Object.values(content.files).reduce((sum, file) => sum + file.bytes, 0)
}

function unreadable(path: string, problem: string, cause?: unknown): StackError {
  return new StackError(
    'backup_damaged',
    `The manifest ${path} cannot be used: ${problem}.`,
    'This backup cannot be trusted. Take another one (npm run backup:list), and make a new one: npm run backup:create',
    { cause },
  )
}
