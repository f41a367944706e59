/** One running child: its last words, its end, and a stop that does not wait for ever. */
import type { ChildProcess } from 'node:child_process'

/** How a child ended. */
export type Exit = { code: number | null; signal: NodeJS.Signals | null }

/** A child as the stack sees it. */
export type Child = {
  pid: number
  /** Resolves when the process has ended; never rejects. */
  exited: Promise<Exit>
  /** The newest lines it wrote, for error messages. */
  lastLines(): string
  /** Calls back for every line of stdout and stderr. */
  onLine(listener: (line: string) => void): void
  /** Sends the signal, then after `timeoutMs` the harder one, and waits for the end. */
  stop(signal: NodeJS.Signals, timeoutMs: number, harder?: NodeJS.Signals): Promise<Exit>
}

/** Enough to hold a Postgres error with its detail and hint. */
const KEPT_LINES = 30

/**
 * Wraps a spawned process.
 * @throws the spawn error (ENOENT, EACCES) when the program could not be started at all
 */
export async function watchChild(spawned: ChildProcess): Promise<Child> {
  await new Promise<void>((resolve, reject) => {
    spawned.once('spawn', resolve)
    spawned.once('error', reject)
  })
  const lines: string[] = []
  const listeners: ((line: string) => void)[] = []
  for (const stream of [spawned.stdout, spawned.stderr]) {
    let rest = ''
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts) {
        lines.push(line)
        if (lines.length > KEPT_LINES) lines.shift()
        for (const listener of listeners) listener(line)
      }
    })
  }
  const exited = new Promise<Exit>((resolve) => {
    spawned.once('close', (code, signal) => resolve({ code, signal }))
  })
  return {
    pid: spawned.pid as number,
    exited,
    lastLines: () => lines.join('\n'),
    onLine: (listener) => listeners.push(listener),
    stop: async (signal, timeoutMs, harder = 'SIGKILL') => {
      spawned.kill(signal)
      const timer = setTimeout(() => spawned.kill(harder), timeoutMs)
      const exit = await exited
      clearTimeout(timer)
      return exit
    },
  }
}
