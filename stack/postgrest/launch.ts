/** Starts a real PostgREST for one database and waits until it serves. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isPortFree } from '../free-port.ts'
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
  await readiness(child, options)
  return {
    url: `http://127.0.0.1:${options.port}`,
    adminUrl,
    child,
    stop: async () => {
      await child.stop('SIGTERM', STOP_TIMEOUT_MS)
    },
  }
}

/**
 * Both servers must answer: where another PostgREST has our admin port, its /ready says nothing about ours, which then
 * ends without ever listening.
 */
async function answers(options: ApiOptions): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(1_000)
    const ready = await fetch(`http://127.0.0.1:${options.adminPort}/ready`, { signal })
    return ready.ok && (await fetch(`http://127.0.0.1:${options.port}/`, { method: 'OPTIONS', signal })).ok
  } catch {
    return false // not listening yet
  }
}

async function readiness(child: Child, options: ApiOptions): Promise<void> {
  let hasEnded = false
  const ended = child.exited.then(() => {
    hasEnded = true
  })
  const end = Date.now() + READY_TIMEOUT_MS
  while (!hasEnded && Date.now() < end) {
    if ((await answers(options)) && !hasEnded) return
    await sleep(PROBE_INTERVAL_MS)
  }
  const words = child.lastLines()
  if (!hasEnded) await child.stop('SIGTERM', STOP_TIMEOUT_MS)
  await ended
  if (/resource busy|Address already in use/i.test(words)) throw await portTaken(options)
  throw new StackError(
    'start_failed',
    `PostgREST (${options.binary}) did not become ready on port ${options.port}:\n${words}`,
    'The lines above are its own. npm run db:health checks the database it talks to.',
  )
}

async function portTaken(options: ApiOptions): Promise<StackError> {
  const taken = (await isPortFree(options.port)) ? options.adminPort : options.port
  const holder = portHolder(taken)
  const variable = taken === options.port ? 'HOWDAH_API_PORT' : 'HOWDAH_ADMIN_PORT'
  return new StackError(
    'port_taken',
    `PostgREST cannot listen on port ${taken}: it is taken${holder ? ` by ${holder}` : ''}.`,
    `Stop that process, or choose another port: ${variable}=${taken + 100} npm start`,
  )
}
