/** Puts the parts together and runs jobs until told to stop. worker/main.ts is its command line. */
import { EventEmitter } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseCrontab, type Runner, run, type TaskList, type WorkerEvents } from 'graphile-worker'
import pg from 'pg'
import type { Task, TaskContext, WorkerServices } from '../define-task.ts'
import { createTxtLookup } from '../dns/txt-lookup.ts'
import { createFeedReader } from '../feeds/feed-reader.ts'
import { type Log, libraryLogger } from '../log.ts'
import { fileDelivery } from '../mails/file-delivery.ts'
import type { DeliverMail } from '../mails/mail-delivery.ts'
import { smtpDelivery } from '../mails/smtp-delivery.ts'
import { openPhoneConnectors } from '../push/phone-connectors.ts'
import { createPushSender } from '../push/push-sender.ts'
import type { WorkerSettings } from '../settings.ts'
import { cronPeriods } from './cron-periods.ts'
import { poolOfJob } from './job-pool.ts'
import { openLiveness } from './liveness.ts'
import { loadTasks } from './load-tasks.ts'
import { recordRun } from './task-runs.ts'

/** Running jobs get this long to end by themselves, then their signal aborts. */
const PATIENCE_MS = 5000

/** Without LISTEN (after a broken connection) jobs are still found this often. */
const POLL_EVERY_MS = 2000

/** Beside the jobs, the library listens, fetches and completes. */
const EXTRA_CONNECTIONS = 3

/** What must not wait for its first turn in the crontab. */
const AT_START = [
  'ops/release_dead_workers',
  'ops/create_partitions',
  'ops/refresh_views',
  'core/make_web_push_keys',
]

/** A worker at work. */
export type RunningWorker = {
  /** Takes no more jobs, lets running ones end, returns what cannot. Safe to call twice. */
  stop(): Promise<void>
  /** Settles when the worker has stopped; rejects when it lost its database. */
  done: Promise<void>
}

/** Starts a worker; resolves when it takes jobs. Folder and crontab are for tests. */
export async function startWorker(
  settings: WorkerSettings,
  log: Log,
  {
    taskFolder = fileURLToPath(new URL('../tasks', import.meta.url)),
    crontab = fileURLToPath(new URL('../crontab', import.meta.url)),
  } = {},
): Promise<RunningWorker> {
  const tasks = await loadTasks(taskFolder)
  const parsedCronItems = parseCrontab(await readFile(crontab, 'utf8'))
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => undefined)

  await using opened = new AsyncDisposableStack()
  const liveness = opened.use(await openLiveness(settings.databaseUrl, lost.reject))
  const pool = opened.adopt(openPool(settings), (open) => open.end())
  const reader = opened.use(createFeedReader())
  const phones = opened.use(await openPhoneConnectors(settings))

  const events: WorkerEvents = new EventEmitter()
  const held = Promise.withResolvers<void>()
  held.promise.catch(() => undefined)
  events.on('pool:create', ({ workerPool }) => liveness.hold(workerPool.id).then(held.resolve, held.reject))
  logJobs(events, log)

  const runner = await run({
    pgPool: pool,
    taskList: toTaskList(
      tasks,
      {
        pool,
        reader,
        allow: settings.allow,
        dataDir: settings.dataDir,
        clusterDir: settings.clusterDir,
        ledgerDir: settings.ledgerDir,
      },
      {
        deliver: delivery(settings),
        lookUpTxt: createTxtLookup(settings.dnsServers),
        push: createPushSender(settings.allow, phones),
      },
      log,
    ),
    parsedCronItems,
    events,
    logger: libraryLogger(log),
    noHandleSignals: true,
    preset: {
      worker: {
        concurrentJobs: settings.concurrency,
        localQueue: { size: settings.concurrency + 1 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
        pollInterval: POLL_EVERY_MS,
        gracefulShutdownAbortTimeout: PATIENCE_MS,
      },
    },
  })
  await held.promise
  await pool.query('select ops.declare_scheduled_tasks($1)', [cronPeriods(parsedCronItems, new Date())])
  for (const task of AT_START.filter((name) => tasks.has(name))) {
    await runner.addJob(task, {}, { jobKey: `at_start:${task}` })
  }
  return control(runner, lost.promise, opened.move())
}

/** Failures are logged by the library, with their error. */
function logJobs(events: WorkerEvents, log: Log): void {
  const started = new Map<string, number>()
  events.on('job:start', ({ job }) => started.set(job.id, performance.now()))
  events.on('job:success', ({ job }) => {
    const ms = Math.round(performance.now() - (started.get(job.id) ?? performance.now()))
    log.info('job done', { task: job.task_identifier, job: job.id, ms })
  })
  events.on('job:complete', ({ job }) => started.delete(job.id))
}

function control(runner: Runner, lost: Promise<never>, opened: AsyncDisposableStack): RunningWorker {
  let stopping: Promise<void> | undefined
  const finish = async () => {
    try {
      await Promise.race([runner.promise, lost])
    } catch (error) {
      // Nothing can be returned to a database that is gone; its advisory lock went with it.
      void opened.disposeAsync().catch(() => undefined)
      throw error
    }
    await opened.disposeAsync()
  }
  return {
    stop: () => {
      stopping ??= runner.stop()
      return stopping
    },
    done: finish(),
  }
}

function openPool({ databaseUrl, concurrency }: WorkerSettings): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: concurrency + EXTRA_CONNECTIONS,
    application_name: 'howdah-worker',
  })
  // These break together with the liveness connection, which reports it; a query in work rejects by itself.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => void client.on('error', () => undefined))
  return pool
}

function delivery({ smtpUrl, dataDir }: WorkerSettings): DeliverMail {
  return smtpUrl ? smtpDelivery(smtpUrl) : fileDelivery(dataDir)
}

function toTaskList(
  tasks: Map<string, Task>,
  services: WorkerServices,
  outside: Pick<TaskContext, 'deliver' | 'lookUpTxt' | 'push'>,
  log: Log,
): TaskList {
  const entries = [...tasks].map(([identifier, task]): [string, TaskList[string]] => [
    identifier,
    (payload, helpers) => {
      const pool = poolOfJob(services.pool, helpers.job.id)
      const { abortSignal: signal, addJob } = helpers
      return recordRun(pool, helpers.job, () =>
        task(payload, { ...services, pool, ...outside, log, signal, addJob }),
      )
    },
  ])
  return Object.fromEntries(entries)
}
