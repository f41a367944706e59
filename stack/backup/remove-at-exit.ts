/** Ctrl-C in the middle of a backup or a restore leaves no half copy: what is under way is removed on the way out. */
import { rmSync } from 'node:fs'

const underWay = new Set<string>()

/** Marks a folder as unfinished; the function it returns takes that back. */
export function removeAtExit(folder: string): () => void {
  if (underWay.size === 0) process.on('exit', removeAll)
  underWay.add(folder)
  return () => {
    underWay.delete(folder)
    if (underWay.size === 0) process.off('exit', removeAll)
  }
}

/** For a command's first line: a signal ends the process in order, so that the above is run. */
export function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
}

function removeAll(): void {
  for (const folder of underWay) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
