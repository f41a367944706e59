/** A child's output, kept in <data>/logs/<name>.log. */
import { createWriteStream, mkdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** One older file is kept, so a stack that runs for months uses at most twice this for each child. */
const ROTATE_AT_BYTES = 10 * 1024 * 1024

/** Appends lines. A file that had grown past 10 MB when the stack starts is set aside as <name>.log.1. */
export function openLog(dataDir: string, name: string): (line: string) => void {
  const folder = join(dataDir, 'logs')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, `${name}.log`)
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > ROTATE_AT_BYTES) renameSync(path, `${path}.1`)
  const stream = createWriteStream(path, { flags: 'a', mode: 0o600 })
  return (line) => {
    stream.write(`${line}\n`)
  }
}
