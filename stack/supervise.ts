/** Starts a child again when it dies, ever more slowly while it keeps dying. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from './process/child.ts'
import { isStackError } from './stack-error.ts'

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000
/** A child that lived this long had a fresh problem, so the pauses begin small again. */
const STABLE_MS = 60_000

/** Something that runs and can be stopped. */
export type Service = { child: Child; stop(): Promise<void> }

/** A service under supervision. */
export type Supervised = { stop(): Promise<void> }

/** What supervision needs to know about a service. */
export type Supervision<S extends Service> = {
  name: string
  running: S
  launch(): Promise<S>
  /** Hears about deaths and returns. */
  say(line: string): void
  onRestart(service: S): void
}

/** Watches `running` until stop() is called. */
export function supervise<S extends Service>(what: Supervision<S>): Supervised {
  const stopping = new AbortController()
  let current: S | undefined = what.running
  const loop = (async () => {
    let pauseMs = FIRST_PAUSE_MS
    let startedAt = Date.now()
    while (!stopping.signal.aborted) {
      if (current) {
        const exit = await current.child.exited
        current = undefined
        if (stopping.signal.aborted) return
        if (Date.now() - startedAt > STABLE_MS) pauseMs = FIRST_PAUSE_MS
        const how = exit.signal ? `was killed by ${exit.signal}` : `ended with exit code ${exit.code}`
        what.say(`${what.name} ${how}; starting it again in ${pauseMs / 1000} s.`)
      }
      const wasInterrupted = await sleep(pauseMs, false, { signal: stopping.signal }).catch(() => true)
      if (wasInterrupted) return
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
      startedAt = Date.now()
      const launched = await what.launch().catch((error: unknown) => {
        const reason = isStackError(error) ? error.message : String(error)
        what.say(`${what.name} did not start again: ${reason} Trying once more in ${pauseMs / 1000} s.`)
        return undefined
      })
      if (!launched) continue
      current = launched
      what.onRestart(launched)
      what.say(`${what.name} runs again (pid ${launched.child.pid}).`)
    }
  })()
  return {
    stop: async () => {
      stopping.abort()
      await current?.stop()
      await loop
      // A launch that was under way when stop() came has finished by now.
      await current?.stop()
    },
  }
}
