/** An export as another program sees it: Python's zipfile, csv and json. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'

const SCRIPT = fileURLToPath(new URL('read-export.py', import.meta.url))

const row = z.record(z.string(), z.json())
const facts = z.object({ name: z.string(), size_bytes: z.int(), sha256: z.string() })
const readExport = z.object({
  manifest: z.object({
    format: z.literal('howdah-export-zip-1'),
    user_id: z.guid(),
    data_as_of: z.iso.datetime(),
    row_count: z.int(),
    tables: z.array(
      z.object({
        name: z.string(),
        columns: z.array(z.string()),
        row_count: z.int(),
        json: facts.nullable(),
        csv: facts.nullable(),
      }),
    ),
  }),
  tables: z.record(
    z.string(),
    z.object({ json: z.array(row), csv: z.array(z.record(z.string(), z.string())) }),
  ),
  /** Cells of the CSV files that a spreadsheet would take for a formula. */
  dangerous: z.int(),
  /** Files that are broken or not what the manifest says. */
  problems: z.array(z.string()),
  names: z.array(z.string()),
  /** All files, one after the other. */
  text: z.string(),
})

/** What Python found. CSV values are read back as README.txt says. */
export type ReadExport = z.infer<typeof readExport>

/** Reads a ZIP. */
export async function readExportZip(zip: Uint8Array): Promise<ReadExport> {
  const folder = await mkdtemp(join(tmpdir(), 'howdah-export-'))
  try {
    const path = join(folder, 'export.zip')
    await writeFile(path, zip)
    const { stdout } = await promisify(execFile)('python3', [SCRIPT, path], {
      maxBuffer: 1 << 28,
      env: { PATH: process.env['PATH'] ?? '', PYTHONUTF8: '1' },
    })
    return readExport.parse(JSON.parse(stdout))
  } finally {
    await rm(folder, { recursive: true })
  }
}
