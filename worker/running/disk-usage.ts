/** How full the disk under a folder is, which Postgres cannot tell. */
import { statfs } from 'node:fs/promises'

/** Bytes; `free` is what a process without privileges can still take. */
export type DiskUsage = { total: number; free: number }

/** Counts as df does: what is kept for root is neither used nor free. Undefined where the folder cannot be seen. */
export async function diskUsage(folder: string): Promise<DiskUsage | undefined> {
  try {
    const { bsize, blocks, bfree, bavail } = await statfs(folder)
    const total = (blocks - bfree + bavail) * bsize
    return total > 0 ? { total, free: bavail * bsize } : undefined
  } catch {
    // A folder that is not there yet, or a disk that is gone: the metric says so by becoming unknown.
    return undefined
  }
}
