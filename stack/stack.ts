/** A whole running stack: Postgres, PostgREST and the worker, watched over until it is stopped. */
import { keepHourly } from './backup/keep-hourly.ts'
import { openLog } from './log-file.ts'
import type { Ports } from './ports.ts'
import type { Target } from './provision/target.ts'
import type { Settings } from './settings.ts'
import { StackError } from './stack-error.ts'
import {
  launchApi,
  launchJobs,
  prepareStart,
  START_STEPS,
  type Starting,
  type StartStep,
} from './start-steps.ts'
import { supervise } from './supervise.ts'

/** What runs, and how to end it. */
export type Stack = {
  apiUrl: string
  adminUrl: string
  ports: Ports
  target: Target
  isNewDatabase: boolean
  /** Resolves when Postgres has died under us; the stack has stopped itself then. */
  broken: Promise<StackError>
  /** Stops worker, PostgREST and Postgres, in this order. Can be called more than once. */
  stop(): Promise<void>
}

/** Runs the steps in order; the command line shows them, others just run them. */
export type StepRunner = (steps: readonly StartStep[], start: Starting) => Promise<void>

/**
 * Starts everything.
 * @param say hears what a person should know later: deaths, restarts, warnings
 * @param runSteps how the steps are run and shown (Default: silently)
 * @throws StackError; what had been started is stopped again
 */
export async function startStack(
  settings: Settings,
  say: (line: string) => void,
  runSteps: StepRunner = runSilently,
): Promise<Stack> {
  const start = await prepareStart(settings, say)
  try {
    await runSteps(START_STEPS, start)
  } catch (error) {
    await stopAll(start)
    start.runFile.remove()
    throw error
  }
  const stack = watchOver(start)
  start.runFile.update({ ready: true })
  return stack
}

async function runSilently(steps: readonly StartStep[], start: Starting): Promise<void> {
  for (const step of steps) await step.run(start)
}

function watchOver(start: Starting): Stack {
  const { postgrest, worker, postgres, runFile, say } = start
  if (!postgrest || !worker) throw new Error('watchOver() is called after the last step only.')
  const services: { stop(): Promise<void> }[] = [
    supervise({
      name: 'The worker',
      running: worker,
      launch: () => launchJobs(start),
      say,
      onRestart: (service) => runFile.child('worker', service.child.pid),
    }),
    supervise({
      name: 'PostgREST',
      running: postgrest,
      launch: () => launchApi(start),
      say,
      onRestart: (service) => runFile.child('postgrest', service.child.pid),
    }),
  ]
  const { settings } = start
  const { backupDir } = settings
  // An external server's log and data folder are not ours; its operator schedules backup:keep (docs/backups.md).
  if (backupDir && !settings.databaseUrl) {
    const log = openLog(settings.dataDir, 'backup')
    services.unshift(keepHourly({ settings: { ...settings, backupDir }, log, say }))
  }
  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= (async () => {
      for (const service of services) await service.stop()
      await postgres?.server.stop()
      runFile.remove()
    })()
    return stopping
  }
  const broken = new Promise<StackError>((resolve) => {
    void postgres?.server.child.exited.then(async (exit) => {
      if (stopping) return
      const words = postgres.server.child.lastLines()
      await stop()
      resolve(
        new StackError(
          'server_unreachable',
          `Postgres ended by itself (${exit.signal ?? `exit code ${exit.code}`}); the stack has stopped.\n${words}`,
          'npm start recovers what was committed. Its whole log is in logs/postgres.log of the data folder.',
        ),
      )
    })
  })
  return {
    apiUrl: postgrest.url,
    adminUrl: postgrest.adminUrl,
    ports: start.ports,
    target: start.target,
    isNewDatabase: start.isNewDatabase,
    broken,
    stop,
  }
}

/** After a failed start: whatever runs already, newest first. */
async function stopAll(start: Starting): Promise<void> {
  await start.worker?.stop()
  await start.postgrest?.stop()
  await start.postgres?.server.stop()
}
