/** Looks for words in the bytes of files. */
import { createReadStream, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Where words were found: path below the folder to the number of times. */
export type FileHits = { files: number; bytes: number; hits: Record<string, number> }

/** Reads every file below a folder, whatever it is. `skip` leaves out folders by their path below it. */
export async function scanFiles(
  folder: string,
  words: readonly string[],
  skip: (path: string) => boolean = () => false,
): Promise<FileHits> {
  const found: FileHits = { files: 0, bytes: 0, hits: {} }
  const needles = words.map((word) => Buffer.from(word))
  for (const path of filesBelow(folder, folder, skip)) {
    found.files += 1
    found.bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0
    const count = await countIn(path, needles)
    if (count > 0) found.hits[relative(folder, path)] = count
  }
  return found
}

/** All hits of a scan. */
export function hitCount({ hits }: FileHits): number {
  return Object.values(hits).reduce((sum, count) => sum + count, 0)
}

function* filesBelow(root: string, folder: string, skip: (path: string) => boolean): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (skip(relative(root, path))) continue
    if (entry.isDirectory()) yield* filesBelow(root, path, skip)
    else if (entry.isFile()) yield path
  }
}

async function countIn(path: string, needles: readonly Buffer[]): Promise<number> {
  const longest = Math.max(...needles.map(({ length }) => length))
  let tail = Buffer.alloc(0)
  let count = 0
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      const text = Buffer.concat([tail, chunk])
      for (const needle of needles) count += countOf(text, needle, tail.length - needle.length)
      tail = text.subarray(Math.max(0, text.length - longest))
    }
  } catch (error) {
    // Postgres removes files while we look.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return count
}

/** Those that end behind what the chunk before has already counted. */
function countOf(text: Buffer, needle: Buffer, counted: number): number {
  let count = 0
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1))
    if (at > counted || counted < 0) count += 1
  return count
}
