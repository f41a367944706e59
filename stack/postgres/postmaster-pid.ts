/** Reads postmaster.pid: who serves a cluster folder right now. */

import { readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { isPidAlive } from '../process/is-pid-alive.ts'

/** The pid of a live Postgres on this folder, or undefined. A stale file (crash) counts as nobody. */
export function postmasterOn(folder: string): number | undefined {
  const pid = recordedPid(folder)
  if (pid === undefined || !isPidAlive(pid)) return undefined
  if (process.platform !== 'linux') return pid
  try {
    // The postmaster lives in its data folder; any other process only borrowed the number.
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(folder) ? pid : undefined
  } catch {
    return pid
  }
}

/** Waits until nobody serves the folder: after kill -9 of a stack its Postgres needs a moment to leave. */
export async function waitForPostmasterToLeave(
  folder: string,
  timeoutMs: number,
): Promise<number | undefined> {
  const end = Date.now() + timeoutMs
  let pid = postmasterOn(folder)
  while (pid !== undefined && Date.now() < end) {
    await sleep(50)
    pid = postmasterOn(folder)
  }
  return pid
}

function recordedPid(folder: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(`${folder}/postmaster.pid`, 'utf8'), 10) || undefined
  } catch {
    return undefined // no such file: nobody has started a server here, or it ended cleanly
  }
}
