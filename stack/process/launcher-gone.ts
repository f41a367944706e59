/** Notices that the `npm start` we belong to was killed: kill -9 of npm reaches neither us nor a shell between. */
import { readFileSync } from 'node:fs'
import { isStillAlive, markProcess, type ProcessMark } from './identity.ts'

/** Often enough that nothing is left five seconds after the kill, seldom enough to cost nothing. */
const LOOK_EVERY_MS = 500

/** Resolves when npm, or the shell npm runs scripts in, is gone. Never resolves when npm did not start us. */
export function launcherGone(env: NodeJS.ProcessEnv = process.env): Promise<'launcher gone'> {
  return new Promise((resolve) => {
    if (env['npm_lifecycle_event'] === undefined) return
    const launchers = [process.ppid, parentOf(process.ppid)].flatMap((pid) => mark(pid))
    const timer = setInterval(() => {
      if (launchers.every(isStillAlive)) return
      clearInterval(timer)
      resolve('launcher gone')
    }, LOOK_EVERY_MS)
    timer.unref()
  })
}

/** Only npm and its shell count: what stands above them (a login shell, init) may come and go. */
function mark(pid: number | undefined): ProcessMark[] {
  if (pid === undefined || pid <= 1 || !/\bnpm\b|^sh\0-c\0/.test(commandLine(pid))) return []
  const marked = markProcess(pid)
  return marked ? [marked] : []
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return '' // not Linux, or gone
  }
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    return undefined
  }
}
