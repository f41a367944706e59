/**
 * graphile-migrate decides whether a migration is blank with pg-minify, which does not know dollar quotes: one
 * apostrophe or double quote too many inside $$…$$ makes its watch and commit fail with a line number of the inlined
 * text. This finds the file instead.
 */
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'

type Minify = (sql: string) => string

/** The very copy graphile-migrate uses. */
const minify = createRequire(createRequire(import.meta.url).resolve('graphile-migrate'))(
  'pg-minify',
) as Minify

/** A file the tool cannot read, and why. */
export type UnreadableFile = { file: string; problem: string }

/** Checks current.sql and every fixture; an empty list means the tool can work. */
export async function unreadableFiles(projectDir: string): Promise<UnreadableFile[]> {
  const folder = join(projectDir, 'migrations', 'fixtures')
  const fixtures = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.sql')).sort()
  const paths = [join(projectDir, 'current.sql'), ...fixtures.map((name) => join(folder, name))]
  const found: UnreadableFile[] = []
  for (const path of paths) {
    try {
      minify(await readFile(path, 'utf8'))
    } catch (error) {
      found.push({
        file: relative(projectDir, path),
        problem: error instanceof Error ? error.message : String(error),
      })
    }
  }
  return found
}
