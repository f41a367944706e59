/** A file outside the database that is only ever appended to, a line at a time, and survives what happens to its writer. */
import { appendFile, mkdir, open, stat, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Longer than any line of such a file. */
const TAIL_BYTES = 4096

/** Appends lines and waits until they are on the disk. Half a line that a crash left behind goes first. */
export async function appendLines(path: string, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await dropCutLine(path)
  await appendFile(path, lines.map((line) => `${line}\n`).join(''), { mode: 0o600, flush: true })
}

/** The newest line; undefined when there is none. A line that was cut off by a crash does not count. */
export async function newestLine(path: string): Promise<string | undefined> {
  const text = await tailOf(path)
  const whole = text.slice(0, text.lastIndexOf('\n') + 1).trimEnd()
  return whole === '' ? undefined : whole.slice(whole.lastIndexOf('\n') + 1)
}

/** A crash, or a full disk, may have left half a line; what it said comes again whole. */
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
