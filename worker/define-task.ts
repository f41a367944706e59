/** What a task is: a payload schema and a function that may run twice without harm. */
import type { AddJobFunction } from 'graphile-worker'
import type pg from 'pg'
import type { z } from 'zod'
import type { TxtLookup } from './dns/txt-lookup.ts'
import type { FeedReader } from './feeds/feed-reader.ts'
import type { Log } from './log.ts'
import type { DeliverMail } from './mails/mail-delivery.ts'
import type { FetchAllow } from './outgoing/fetch-allow.ts'
import type { SendPush } from './push/push-sender.ts'

/** What the process opened once and lends to tasks and commands. */
export type WorkerServices = {
  pool: pg.Pool
  reader: FeedReader
  allow: FetchAllow
  /** Absolute. Where files lie that must outlive the database's own word, such as copies of seals. */
  dataDir: string
  /** Where the database's own files lie, if on this machine. */
  clusterDir?: string | undefined
  /** Absolute. Where the ledger of erasures is kept. (Default: dataDir) */
  ledgerDir?: string | undefined
}

/** What a task gets besides its payload. */
export type TaskContext = WorkerServices & {
  log: Log
  /** Sends a mail, or keeps it as a file where no mail server is named. */
  deliver: DeliverMail
  lookUpTxt: TxtLookup
  /** Pushes a notification to a device. */
  push: SendPush
  /** Aborts when the worker stops and its patience is over: give up, the job comes again. */
  signal: AbortSignal
  addJob: AddJobFunction
}

/** How much a run has done, in whatever the task counts (rows, tables, views); nothing where there is nothing to count. */
// biome-ignore lint/suspicious/noConfusingVoidType: most tasks end without a word.
export type Done = number | void

/** A task with its payload checked. */
export type Task = (payload: unknown, context: TaskContext) => Promise<Done>

/**
 * Binds a task to its payload schema. Fields that a later version adds must be optional, because jobs queued by an
 * older version still come; unknown fields (cron adds some) are dropped.
 * @example
 * export const payload = z.object({ source_id: z.uuid() })
 * export const task = defineTask(payload, async ({ source_id }, { pool }) => { … })
 */
export function defineTask<Schema extends z.ZodType>(
  payload: Schema,
  run: (payload: z.infer<Schema>, context: TaskContext) => Promise<Done>,
): Task {
  return async (raw, context) => run(payload.parse(raw), context)
}
