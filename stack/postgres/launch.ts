/** Starts a real Postgres server on a cluster folder and knows when it is ready, when it ended, and why. */

import { type Child, watchChild } from '../process/child.ts'
import { childEnvironment } from '../process/child-environment.ts'
import { guardedSpawn } from '../process/guarded-spawn.ts'
import { portHolder } from '../process/port-holder.ts'
import { StackError } from '../stack-error.ts'
import type { PostgresBinaries } from './binaries.ts'
import type { OsUser } from './os-user.ts'
import { waitForPostmasterToLeave } from './postmaster-pid.ts'

/** What to serve and how. */
export type ServerOptions = {
  folder: string
  binaries: PostgresBinaries
  user: OsUser | undefined
  port: number
  /** Passed as -c name=value. */
  parameters?: Record<string, string>
  /** Gets every line of the server's log. */
  log?: (line: string) => void
  /** How long it may take until it answers. (Default: a minute, longer than any crash recovery of a development database) */
  readyTimeoutMs?: number
}

/** A running server. */
export type RunningServer = { port: number; child: Child; stop(): Promise<void> }

const READY_TIMEOUT_MS = 60_000
/** Fast shutdown rolls back and checkpoints; ten seconds is ample before the immediate one. */
const STOP_TIMEOUT_MS = 10_000
/** A Postgres whose stack was killed leaves within this time (see guardedSpawn). */
const LEAVING_MS = 5_000

/** Parameters of a cluster that is thrown away: nothing is written through, WAL is minimal. */
export const THROWAWAY_PARAMETERS: Record<string, string> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_connections: '200',
}

/**
 * Starts Postgres on 127.0.0.1 only, without a Unix socket.
 * @throws data_folder_in_use, port_taken, start_failed
 */
export async function launchPostgres(options: ServerOptions): Promise<RunningServer> {
  const occupant = await waitForPostmasterToLeave(options.folder, LEAVING_MS)
  if (occupant !== undefined) {
    throw new StackError(
      'data_folder_in_use',
      `Another Postgres (pid ${occupant}) already serves ${options.folder}.`,
      `Stop the stack that started it (npm run stack:stop), or end it by hand: kill -INT ${occupant}`,
    )
  }
  const parameters = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...options.parameters }
  const args = ['-D', options.folder, '-p', String(options.port)]
  for (const [name, value] of Object.entries(parameters)) args.push('-c', `${name}=${value}`)
  const child = await watchChild(
    guardedSpawn({
      command: options.binaries.postgres,
      args,
      env: childEnvironment(process.env, { LC_ALL: 'C' }),
      cwd: options.folder,
      as: options.user,
      deathSignal: 'INT',
    }),
  )
  if (options.log) child.onLine(options.log)
  await readiness(child, options)
  return {
    port: options.port,
    child,
    stop: async () => {
      await child.stop('SIGINT', STOP_TIMEOUT_MS, 'SIGQUIT')
    },
  }
}

async function readiness(child: Child, options: ServerOptions): Promise<void> {
  const ready = new Promise<'ready'>((resolve) => {
    child.onLine((line) => {
      if (/ready to accept (read-only )?connections/.test(line)) resolve('ready')
    })
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, options.readyTimeoutMs ?? READY_TIMEOUT_MS, 'late')
  })
  const first = await Promise.race([ready, late, child.exited])
  clearTimeout(timer)
  if (first === 'ready') return
  if (first === 'late') await child.stop('SIGINT', STOP_TIMEOUT_MS, 'SIGQUIT')
  throw failure(child, options)
}

function failure(child: Child, options: ServerOptions): StackError {
  const words = child.lastLines()
  if (/Address already in use/.test(words)) {
    const holder = portHolder(options.port)
    return new StackError(
      'port_taken',
      `Postgres cannot listen on port ${options.port}: it is taken${holder ? ` by ${holder}` : ''}.`,
      'Stop that process, or choose another port: HOWDAH_DB_PORT=5443 npm start',
    )
  }
  return new StackError(
    'start_failed',
    `Postgres did not start on ${options.folder}, port ${options.port}:\n${words}`,
    'The lines above are its own. When the cluster is damaged, npm start -- --fresh begins anew and deletes it.',
  )
}
