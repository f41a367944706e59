/** worker/main.ts as a process of its own, the way the stack runs it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const MAIN = fileURLToPath(new URL('../../../worker/main.ts', import.meta.url))

const logLine = z.looseObject({ level: z.enum(['info', 'warn', 'error']), message: z.string() })

/** One line of the worker's log. */
export type LogLine = z.infer<typeof logLine>

/** A worker process. Dispose kills it if it still runs. */
export type WorkerProcess = AsyncDisposable & {
  lines: LogLine[]
  pid: number
  /** Waits for a line. */
  line(isIt: (line: LogLine) => boolean): Promise<LogLine>
  kill(signal: NodeJS.Signals): void
  /** Exit code, or the signal that ended it. */
  exited: Promise<number | NodeJS.Signals | null>
}

/** Starts a worker and waits until it is ready. */
export async function startWorkerProcess(
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<WorkerProcess> {
  const worker = spawnWorker(databaseUrl, env)
  await Promise.race([
    worker.line((line) => line['ready'] === true),
    worker.exited.then((code) => {
      throw new Error(`The worker ended with ${code}: ${JSON.stringify(worker.lines)}`)
    }),
  ])
  return worker
}

/** Starts a worker without waiting. */
export function spawnWorker(databaseUrl: string, env: Record<string, string> = {}): WorkerProcess {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env['PATH'] ?? '', HOWDAH_WORKER_DATABASE_URL: databaseUrl, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: LogLine[] = []
  const waiting = new Set<(line: LogLine) => void>()
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = logLine.parse(JSON.parse(text))
    lines.push(line)
    for (const notify of waiting) notify(line)
  })
  const exited = once(child, 'exit').then(([code, signal]) => code ?? signal)
  return {
    lines,
    pid: child.pid ?? 0,
    line: (isIt) =>
      new Promise((resolve) => {
        const known = lines.find(isIt)
        if (known) return resolve(known)
        const notify = (line: LogLine) => {
          if (!isIt(line)) return
          waiting.delete(notify)
          resolve(line)
        }
        waiting.add(notify)
      }),
    kill: (signal) => void child.kill(signal),
    exited,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
