/** Starts the worker (worker/main.ts) and waits until it says it is ready. */
import { join } from 'node:path'
import { z } from 'zod'
import { type Child, watchChild } from '../process/child.ts'
import { childEnvironment } from '../process/child-environment.ts'
import { guardedSpawn } from '../process/guarded-spawn.ts'
import type { Secrets } from '../secrets.ts'
import type { Settings } from '../settings.ts'
import { StackError } from '../stack-error.ts'

/** What the worker needs to know. */
export type WorkerOptions = {
  settings: Settings
  secrets: Secrets
  /** URL of howdah_worker. */
  databaseUrl: string
  /** Folder of the embedded Postgres; the worker looks how full its disk is. */
  clusterDir?: string | undefined
  log?: (line: string) => void
}

/** A running worker. */
export type RunningWorker = { child: Child; stop(): Promise<void> }

const READY_TIMEOUT_MS = 20_000
/** Longer than the worker's own patience with running jobs. */
const STOP_TIMEOUT_MS = 10_000

const readyLine = z.looseObject({ ready: z.literal(true) })
const refusalLine = z.looseObject({
  error: z.looseObject({ key: z.literal('settings_invalid'), message: z.string() }),
})

/**
 * Starts it with this Node. It gets the HOWDAH_* variables it needs, but neither the administrator's URL nor the key that signs tokens.
 * @throws start_failed with the worker's last words
 */
export async function launchWorker(options: WorkerOptions): Promise<RunningWorker> {
  const child = await watchChild(
    guardedSpawn({
      command: process.execPath,
      args: [join(options.settings.projectDir, 'worker', 'main.ts')],
      env: childEnvironment(process.env, workerEnvironment(options)),
      cwd: options.settings.projectDir,
      // Jobs of a worker that was killed are freed by the next one; a slow goodbye would outlive the stack.
      deathSignal: 'KILL',
    }),
  )
  if (options.log) child.onLine(options.log)
  await readiness(child)
  return {
    child,
    stop: async () => {
      await child.stop('SIGTERM', STOP_TIMEOUT_MS)
    },
  }
}

function workerEnvironment({
  settings,
  secrets,
  databaseUrl,
  clusterDir,
}: WorkerOptions): Record<string, string> {
  return {
    HOWDAH_WORKER_DATABASE_URL: databaseUrl,
    HOWDAH_DATA_DIR: settings.dataDir,
    ...(clusterDir ? { HOWDAH_CLUSTER_DIR: clusterDir } : {}),
    HOWDAH_ENCRYPTION_KEY: secrets.encryption_key,
    HOWDAH_FETCH_ALLOW: settings.fetchAllow.join(','),
    ...(settings.ledgerDir ? { HOWDAH_LEDGER_DIR: settings.ledgerDir } : {}),
    ...(settings.smtpUrl ? { HOWDAH_SMTP_URL: settings.smtpUrl } : {}),
  }
}

async function readiness(child: Child): Promise<void> {
  const ready = new Promise<'ready'>((resolve) => {
    child.onLine((line) => {
      if (line.startsWith('{') && readyLine.safeParse(parseJson(line)).success) resolve('ready')
    })
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, READY_TIMEOUT_MS, 'late')
  })
  const first = await Promise.race([ready, late, child.exited])
  clearTimeout(timer)
  if (first === 'ready') return
  if (first === 'late') await child.stop('SIGTERM', STOP_TIMEOUT_MS)
  const problem =
    first === 'late' ? `did not say it is ready within ${READY_TIMEOUT_MS / 1000} s` : 'ended at once'
  const refused = settingsRefusal(child.lastLines())
  if (refused)
    throw new StackError('settings_invalid', refused, 'docs/configuration.md lists every variable.')
  throw new StackError(
    'start_failed',
    `The worker ${problem}:\n${child.lastLines()}`,
    'The lines above are its own. npm run db:health checks the database it works on.',
  )
}

/** What the worker says of a variable that only it reads. */
function settingsRefusal(lines: string): string | undefined {
  for (const line of lines.split('\n')) {
    const said = refusalLine.safeParse(parseJson(line))
    if (said.success) return said.data.error.message
  }
  return undefined
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined // a line of some library, not of the worker's log
  }
}
