/**
 * Starting children that cannot outlive us. A stack killed with kill -9 gets no chance to clean up, so
 * the kernel (Linux) or a watching shell (elsewhere) ends the child instead.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'

/** How a child ends when its parent is gone. */
export type Guard = 'pdeathsig' | 'watcher'

/** What to start. */
export type GuardedCommand = {
  command: string
  args: string[]
  env: NodeJS.ProcessEnv
  cwd?: string
  /** The user and group to run as; only root may set it. */
  as?: { uid: number; gid: number } | undefined
  /** The signal that asks this program to leave at once. */
  deathSignal: 'INT' | 'TERM' | 'KILL'
  /** (Default: pdeathsig where setpriv offers it, otherwise watcher) */
  guard?: Guard
}

/**
 * Runs "$@" in the background and waits for it. fd 3 is a pipe held by the parent: when the parent dies
 * it closes, cat ends, and the child gets its signal (and SIGKILL five seconds later).
 * The first argument is the signal's name.
 */
const WATCHER = `
sig=$1; shift
"$@" 3<&- & pid=$!
trap 'kill -INT $pid' INT; trap 'kill -TERM $pid' TERM; trap 'kill -QUIT $pid' QUIT
(cat >/dev/null; kill -$sig $pid 2>/dev/null; sleep 5; kill -KILL $pid 2>/dev/null) <&3 & watcher=$!
wait $pid; rc=$?
while kill -0 $pid 2>/dev/null; do wait $pid; rc=$?; done
kill $watcher 2>/dev/null
exit $rc`

/**
 * Starts a child in its own process group (so Ctrl-C reaches only the stack, which then stops its children in
 * order). stdout and stderr are pipes. Call it from the main thread: Linux counts the thread as the parent.
 */
export function guardedSpawn(what: GuardedCommand): ChildProcess {
  const guard = what.guard ?? (hasPdeathsig() ? 'pdeathsig' : 'watcher')
  const options = { env: what.env, detached: true, ...(what.cwd ? { cwd: what.cwd } : {}), ...what.as }
  if (guard === 'pdeathsig') {
    const args = ['--pdeathsig', what.deathSignal, what.command, ...what.args]
    return spawn('setpriv', args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  }
  const args = ['-c', WATCHER, 'sh', what.deathSignal, what.command, ...what.args]
  return spawn('/bin/sh', args, { ...options, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
}

let pdeathsigKnown: boolean | undefined

/** setpriv of util-linux 2.33 or later; busybox has one without this option. */
function hasPdeathsig(): boolean {
  pdeathsigKnown ??=
    process.platform === 'linux' &&
    spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true'], { stdio: 'ignore' }).status === 0
  return pdeathsigKnown
}
