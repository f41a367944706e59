/** Tells one process from a later one that got the same number. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A process as run.json remembers it. */
export type ProcessMark = { pid: number; startedAt: string }

/** The mark of a live process, or undefined when there is none. */
export function markProcess(pid: number): ProcessMark | undefined {
  const startedAt = process.platform === 'linux' ? startTicks(pid) : startDate(pid)
  return startedAt ? { pid, startedAt } : undefined
}

/** True while the very process that was marked is alive. A zombie does not count: it only waits to be collected. */
export function isStillAlive(mark: ProcessMark): boolean {
  return markProcess(mark.pid)?.startedAt === mark.startedAt
}

/** Sends a signal only if the process is still the one that was marked. */
export function signalIfSame(mark: ProcessMark, signal: NodeJS.Signals): boolean {
  if (!isStillAlive(mark)) return false
  try {
    process.kill(mark.pid, signal)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** Fields 3 (state) and 22 (start time in clock ticks since boot). Source: proc(5). */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command's name, in parentheses, may hold spaces and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined // gone
  }
}

function startDate(pid: number): string | undefined {
  return (
    spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim() || undefined
  )
}
