/** The copy of the seals outside the database: a file that is only ever appended to, one line a seal. */
import { appendFile, mkdir, open, stat, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { WorkerError } from '../worker-error.ts'

/** Longer than any line of the file. */
const TAIL_BYTES = 4096

const line = z.object({
  seal: z.int().positive(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  last_event: z.int().positive(),
  sealed_at: z.iso.datetime({ offset: true }),
})

/** One line of audit-seals.jsonl. */
export type SealLine = z.infer<typeof line>

/** Where the copy lies. */
export function sealFile(dataDir: string): string {
  return join(dataDir, 'audit-seals.jsonl')
}

/**
 * The newest line; undefined when there is no file or nothing in it. A line that was cut off by a crash does not count.
 * @throws audit_seals_differ when the file holds something else
 */
export async function newestSealLine(path: string): Promise<SealLine | undefined> {
  const text = await tailOf(path)
  const whole = text.slice(0, text.lastIndexOf('\n') + 1).trimEnd()
  if (whole === '') return undefined
  const newest = whole.slice(whole.lastIndexOf('\n') + 1)
  const parsed = line.safeParse(parseJson(newest))
  if (parsed.success) return parsed.data
  throw new WorkerError(
    'audit_seals_differ',
    `The last line of ${path} is no seal: ${newest.slice(0, 200)}`,
    {
      hint: 'Someone wrote into the file. Compare it with its copies before anything else; docs/audit.md.',
    },
  )
}

/** Appends seals and waits until they are on the disk. */
export async function appendSealLines(path: string, seals: readonly SealLine[]): Promise<void> {
  if (seals.length === 0) return
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await dropCutLine(path)
  const text = seals.map((seal) => `${JSON.stringify(line.parse(seal))}\n`).join('')
  await appendFile(path, text, { mode: 0o600, flush: true })
}

/** A crash, or a full disk, may have left half a line; its seal comes again whole. */
async function dropCutLine(path: string): Promise<void> {
  const tail = await tailOf(path)
  const cut = Buffer.byteLength(tail.slice(tail.lastIndexOf('\n') + 1))
  if (cut > 0) await truncate(path, (await stat(path)).size - cut)
}

async function tailOf(path: string): Promise<string> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!file) return ''
  try {
    const { size } = await file.stat()
    const length = Math.min(size, TAIL_BYTES)
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length)
    return buffer.toString('utf8')
  } finally {
    await file.close()
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
