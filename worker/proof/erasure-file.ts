/**
 * The ledger of erasures outside the database: what a restored backup does not know. One line an erasure, ids only, each
 * signed: whoever can write into the file cannot have somebody erased.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { appendLines } from '../outside/lines-file.ts'
import { WorkerError } from '../worker-error.ts'
import type { SigningKey } from './signing-key.ts'

const entry = z.object({
  erasure: z.uuid(),
  user_id: z.uuid(),
  erased_at: z.iso.datetime({ offset: true }),
})
const line = entry.extend({ key: z.string(), signature: z.string() })

/** One erasure as the ledger knows it. */
export type ErasureEntry = z.infer<typeof entry>

/** Where the ledger lies. */
export function erasureFile(ledgerDir: string): string {
  return join(ledgerDir, 'erasures.jsonl')
}

/**
 * Every entry; none when there is no file. A last line that a crash cut off does not count.
 * @throws erasure_ledger_damaged when a line is none, or was not signed by this instance
 */
export async function readErasures(path: string, key: SigningKey): Promise<ErasureEntry[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const lines = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1)
  return lines.map((raw, index) => {
    const parsed = line.safeParse(parseJson(raw))
    const problem = parsed.success ? 'is not signed by a key of this instance' : 'is no line of the ledger'
    if (parsed.success) {
      const { key: keyId, signature, ...signed } = parsed.data
      if (key.isSigned(signed, keyId, signature)) return signed
    }
    throw new WorkerError('erasure_ledger_damaged', `Line ${index + 1} of ${path} ${problem}.`, {
      hint: 'Compare the file with its copies; signing-key.json must be the one of this instance. docs/erasure-proof.md',
    })
  })
}

/** Appends entries and waits until they are on the disk. */
export async function appendErasures(
  path: string,
  entries: readonly ErasureEntry[],
  key: SigningKey,
): Promise<void> {
  const lines = entries.map((given) => {
    const signed = entry.parse(given)
    return JSON.stringify({ ...signed, key: key.current.id, signature: key.sign(signed) })
  })
  await appendLines(path, lines)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
