/** Copies one file and tells what it copied: the checksum is of the bytes that went by, not of a second reading. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

/** What was copied. */
export type CopiedFile = { bytes: number; sha256: string }

const CHUNK_BYTES = 1024 * 1024

/** Copies into a new file that only its owner reads. `isDurable` waits until it is on the disk. */
export async function copyFileHashed(from: string, to: string, isDurable: boolean): Promise<CopiedFile> {
  const source = await open(from, 'r')
  try {
    const target = await open(to, 'wx', 0o600)
    try {
      const hash = createHash('sha256')
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max((await source.stat()).size, 8192)))
      let bytes = 0
      for (;;) {
        const { bytesRead } = await source.read(buffer, 0, buffer.length)
        if (bytesRead === 0) break
        const chunk = buffer.subarray(0, bytesRead)
        hash.update(chunk)
        await target.writeFile(chunk)
        bytes += bytesRead
      }
      if (isDurable) await target.sync()
      return { bytes, sha256: hash.digest('hex') }
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}
