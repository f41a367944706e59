/** Waits for Ctrl-C, SIGTERM or a closed terminal. */

const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** A terminal sends Ctrl-C to npm and to us, and npm hands it on: what comes this soon is the same Ctrl-C. */
const SAME_SIGNAL_MS = 500

/**
 * Resolves with the first signal; a later one means that the person does not want to wait, and calls `onImpatient`.
 * The listeners stay: once they are gone, the live list's own (signal-exit) take us for unguarded and kill the process.
 */
export function endSignal(onImpatient: () => void): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstAt: number | undefined
    for (const name of END_SIGNALS) {
      process.on(name, () => {
        if (firstAt !== undefined && performance.now() - firstAt > SAME_SIGNAL_MS) onImpatient()
        firstAt ??= performance.now()
        resolve(name)
      })
    }
  })
}
