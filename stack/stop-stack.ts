/** Ends a stack from outside. Signals go only to processes whose start time is the one on record. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isStillAlive, type ProcessMark, signalIfSame } from './process/identity.ts'
import { type ChildName, readRunFile } from './run-file.ts'
import type { Settings } from './settings.ts'
import { StackError } from './stack-error.ts'

/** What was ended. */
export type StopReport = { stopped: number | undefined; leftovers: { name: ChildName; pid: number }[] }

/** A stack stops its three children within this time, running jobs included. */
const STACK_TIMEOUT_MS = 30_000
const CHILD_TIMEOUT_MS = 10_000

/** In this order; Postgres last, and with the signal that makes it shut down fast. */
const CHILDREN: readonly (readonly [ChildName, NodeJS.Signals])[] = [
  ['worker', 'SIGTERM'],
  ['postgrest', 'SIGTERM'],
  ['postgres', 'SIGINT'],
]

/**
 * Asks the stack to stop and waits; then ends children it left behind.
 * @throws start_failed when a process does not leave
 */
export async function stopStack(settings: Settings): Promise<StopReport> {
  const record = readRunFile(settings.dataDir)
  if (!record) return { stopped: undefined, leftovers: [] }
  const wasRunning = signalIfSame(record.stack, 'SIGTERM')
  if (wasRunning) await gone(record.stack, STACK_TIMEOUT_MS)
  const leftovers: StopReport['leftovers'] = []
  for (const [name, signal] of CHILDREN) {
    const child = record.children[name]
    if (!child || !signalIfSame(child, signal)) continue
    await gone(child, CHILD_TIMEOUT_MS)
    leftovers.push({ name, pid: child.pid })
  }
  rmSync(join(settings.dataDir, 'run.json'), { force: true })
  return { stopped: wasRunning ? record.stack.pid : undefined, leftovers }
}

async function gone(mark: ProcessMark, timeoutMs: number): Promise<void> {
  const end = Date.now() + timeoutMs
  while (isStillAlive(mark)) {
    if (Date.now() > end) {
      throw new StackError(
        'start_failed',
        `Process ${mark.pid} did not end within ${timeoutMs / 1000} s after it was asked to.`,
        `Look at logs/ in the data folder, then end it by hand: kill -9 ${mark.pid}`,
      )
    }
    await sleep(25)
  }
}
