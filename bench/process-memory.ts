/** How much memory processes take, looked at while something runs. Reads /proc, so Linux only. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const EVERY_MS = 20

/**
 * The most that the process with this id takes while `work` runs, above what it took before, in bytes. `VmRSS` is all
 * of its resident memory; `RssAnon` leaves out what it shares, such as the server's buffers.
 */
export async function growthWhile<T>(
  pids: () => Promise<readonly { pid: number; field: 'VmRSS' | 'RssAnon'; before: number }[]>,
  work: () => Promise<T>,
): Promise<{ result: T; growth: Map<number, number> }> {
  const growth = new Map<number, number>()
  let isRunning = true
  const watch = async () => {
    while (isRunning) {
      for (const { pid, field, before } of await pids()) {
        const bytes = await residentBytes(pid, field)
        if (bytes !== undefined) growth.set(pid, Math.max(growth.get(pid) ?? 0, bytes - before))
      }
      await sleep(EVERY_MS)
    }
  }
  const watching = watch()
  try {
    return { result: await work(), growth }
  } finally {
    isRunning = false
    await watching
  }
}

/** One figure of a process, in bytes; undefined when it has gone. */
export async function residentBytes(pid: number, field: 'VmRSS' | 'RssAnon'): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}
