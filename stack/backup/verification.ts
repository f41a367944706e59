/** verification.json beside a manifest: when the backup was last restored to see whether it can be, and what came of it. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const verification = z.object({
  verified_at: z.iso.datetime(),
  /** Null: it was restored, and everything was the same. */
  problem: z.string().nullable(),
  seconds: z.number(),
  table_count: z.int(),
  row_count: z.int(),
  index_count: z.int(),
  /** Segments of the archive that were read behind the backup's own. */
  segment_count: z.int(),
})

/** What verification.json holds. */
export type Verification = z.infer<typeof verification>

/** The last one, if there was any that can be read. */
export function readVerification(folder: string): Verification | undefined {
  try {
    return verification.parse(JSON.parse(readFileSync(pathOf(folder), 'utf8')))
  } catch {
    return undefined // never verified, or not known: both mean that it has to be done
  }
}

/** Notes it; a reader sees the old file or the new one. */
export function writeVerification(folder: string, content: Verification): void {
  const partial = `${pathOf(folder)}.${process.pid}`
  writeFileSync(partial, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
  renameSync(partial, pathOf(folder))
}

function pathOf(folder: string): string {
  return join(folder, 'verification.json')
}
