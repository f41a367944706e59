/**
 * Garbage of a stream, collected while it flows. V8 lets a process grow by a hundred megabytes before it looks, where
 * there is memory; an export makes a hundred megabytes of short-lived text, and a small server has none to lend.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** So much text is made between two collections, which take some 10 ms each. In bytes. */
const EVERY_BYTES = 4 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

/** Counts what was made, and collects when it was enough. */
export function letGo(): (bytes: number) => void {
  let made = 0
  return (bytes) => {
    made += bytes
    if (made < EVERY_BYTES || typeof collect !== 'function') return
    made = 0
    collect()
  }
}
