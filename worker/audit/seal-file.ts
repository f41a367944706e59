/** The copy of the seals outside the database: one line a seal. */
import { join } from 'node:path'
import { z } from 'zod'
import { appendLines, newestLine } from '../outside/lines-file.ts'
import { WorkerError } from '../worker-error.ts'

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
 * The newest line; undefined when there is no file or nothing in it.
 * @throws audit_seals_differ when the file holds something else
 */
export async function newestSealLine(path: string): Promise<SealLine | undefined> {
  const newest = await newestLine(path)
  if (newest === undefined) return undefined
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
  await appendLines(
    path,
    seals.map((seal) => JSON.stringify(line.parse(seal))),
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
