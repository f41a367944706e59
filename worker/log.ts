/** The worker's log: JSON lines for machines, short lines for a person at a terminal. */
import { Logger } from 'graphile-worker'

type Level = 'info' | 'warn' | 'error'

/** Writes one line for each call. Fields hold ids and figures, never content of users. */
export type Log = Record<Level, (message: string, fields?: Record<string, unknown>) => void> & {
  /** Writes nothing any more; for the noise that follows a failure which was said already. */
  mute(): void
}

/** What the log writes to; process.stdout is one. */
export type LogStream = { isTTY?: boolean; write(line: string): unknown }

/** Makes a log. JSON unless the stream is a terminal. */
export function createLog(stream: LogStream): Log {
  let isMute = false
  const format = stream.isTTY ? shortLine : jsonLine
  const writer =
    (level: Level) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (!isMute) stream.write(`${format(level, message, fields)}\n`)
    }
  return {
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    mute: () => {
      isMute = true
    },
  }
}

/** graphile-worker's own messages: warnings and errors only, since successes are logged as they happen. */
export function libraryLogger(log: Log): Logger {
  return new Logger(() => (level, message, fields) => {
    const { job, error } = (fields ?? {}) as {
      job?: { id: string; task_identifier: string }
      error?: unknown
    }
    const kept = {
      ...(job && { job: job.id, task: job.task_identifier }),
      ...(error !== undefined && { error }),
    }
    if (level === 'error') log.error(message, kept)
    if (level === 'warning') log.warn(message, kept)
  })
}

function jsonLine(level: Level, message: string, fields: Record<string, unknown>): string {
  const plain = Object.entries(fields).map(([name, value]) => [
    name,
    value instanceof Error ? whole(value) : value,
  ])
  return JSON.stringify({ level, ...Object.fromEntries(plain), message, time: new Date().toISOString() })
}

function shortLine(level: Level, message: string, fields: Record<string, unknown>): string {
  const details = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`)
  const time = new Date().toTimeString().slice(0, 8)
  return [time, level === 'info' ? '' : level.toUpperCase(), message, ...details].filter(Boolean).join(' ')
}

function shown(value: unknown): string {
  if (value instanceof Error) return value.message
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** JSON.stringify makes {} of an error. */
function whole(error: Error): Record<string, unknown> {
  const { key, code, message, stack, cause } = error as Error & { key?: unknown; code?: unknown }
  return { key, code, message, stack, ...(cause instanceof Error && { cause: whole(cause) }) }
}
