/** The bytes of a file that somebody typed the path of. */
import { open } from 'node:fs/promises'
import { BYTE_LIMIT } from '../feeds/read-feed.ts'
import { WorkerError } from '../worker-error.ts'

/**
 * Reads the file. One that is too large is not read whole to find that out.
 * @throws feed_unreachable; feed_too_large
 */
export async function readFeedFile(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path)
    const { size } = await file.stat()
    if (size <= BYTE_LIMIT) return await file.readFile()
  } catch (error) {
    throw new WorkerError('feed_unreachable', `The feed file ${path} cannot be read: ${reason(error)}.`, {
      hint: 'Check the path; it is taken from the folder you are in.',
      cause: error,
    })
  }
  throw new WorkerError('feed_too_large', `The feed file ${path} has more than ${BYTE_LIMIT} bytes.`)
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
