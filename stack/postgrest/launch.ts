/** Starts a real PostgREST for one database and waits until it serves. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, watchChild } from '../process/child.ts'
import { childEnvironment } from '../process/child-environment.ts'
import { guardedSpawn } from '../process/guarded-spawn.ts'
import { portHolder } from '../process/port-holder.ts'
import { StackError } from '../stack-error.ts'
import { postgrestSettings } from './settings.ts'

/** What PostgREST needs to know. */
export type ApiOptions = {
  binary: string
  /** URL of howdah_authenticator. */
  databaseUrl: string
  jwtSecret: string
  port: number
  adminPort: number
  /** Further PGRST_* settings; they win over ours. */
  settings?: Record<string, string>
  log?: (line: string) => void
}

/** A running PostgREST. */
export type RunningApi = { url: string; adminUrl: string; child: Child; stop(): Promise<void> }

const READY_TIMEOUT_MS = 20_000
/** PostgREST 12 drops requests at SIGTERM, later ones finish them; five seconds covers both. */
const STOP_TIMEOUT_MS = 5_000
const PROBE_INTERVAL_MS = 10

/**
 * Starts PostgREST on 127.0.0.1. It gets its settings through the environment, so no file with secrets is left behind.
 * @throws port_taken, start_failed
 */
export async function launchPostgrest(options: ApiOptions): Promise<RunningApi> {
  const child = await watchChild(
    guardedSpawn({
      command: options.binary,
      args: [],
      env: childEnvironment(process.env, {
        ...postgrestSettings({ ...options, host: '127.0.0.1' }),
        ...options.settings,
      }),
      deathSignal: 'TERM',
    }),
  )
  if (options.log) child.onLine(options.log)
  const adminUrl = `http://127.0.0.1:${options.adminPort}`
  await readiness(child, adminUrl, options)
  return {
    url: `http://127.0.0.1:${options.port}`,
    adminUrl,
    child,
    stop: async () => {
      await child.stop('SIGTERM', STOP_TIMEOUT_MS)
    },
  }
}

/** Waits for the admin server's /ready. Also used after the database went away for a moment. */
export async function waitUntilReady(
  adminUrl: string,
  timeoutMs: number,
  gaveUp = () => false,
): Promise<boolean> {
  const end = Date.now() + timeoutMs
  while (Date.now() < end && !gaveUp()) {
    try {
      const answer = await fetch(`${adminUrl}/ready`, { signal: AbortSignal.timeout(1_000) })
      if (answer.ok) return true
    } catch {
      // not listening yet
    }
    await sleep(PROBE_INTERVAL_MS)
  }
  return false
}

async function readiness(child: Child, adminUrl: string, options: ApiOptions): Promise<void> {
  let hasEnded = false
  const ended = child.exited.then(() => {
    hasEnded = true
  })
  if ((await waitUntilReady(adminUrl, READY_TIMEOUT_MS, () => hasEnded)) && !hasEnded) return
  const words = child.lastLines()
  if (!hasEnded) await child.stop('SIGTERM', STOP_TIMEOUT_MS)
  await ended
  if (/resource busy|Address already in use/i.test(words)) throw portTaken(options)
  throw new StackError(
    'start_failed',
    `PostgREST (${options.binary}) did not become ready on port ${options.port}:\n${words}`,
    'The lines above are its own. npm run db:health checks the database it talks to.',
  )
}

function portTaken(options: ApiOptions): StackError {
  const taken = portHolder(options.port) ? options.port : options.adminPort
  const holder = portHolder(taken)
  const variable = taken === options.port ? 'HOWDAH_API_PORT' : 'HOWDAH_ADMIN_PORT'
  return new StackError(
    'port_taken',
    `PostgREST cannot listen on port ${taken}: it is taken${holder ? ` by ${holder}` : ''}.`,
    `Stop that process, or choose another port: ${variable}=${taken + 100} npm start`,
  )
}
