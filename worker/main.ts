/** The worker process: runs what is queued and what the crontab says, until SIGTERM or SIGINT. */
import { createLog, type Log } from './log.ts'
import { startWorker } from './running/start-worker.ts'
import { readWorkerSettings } from './settings.ts'

const log = createLog(process.stdout)

try {
  await work(log)
} catch (error) {
  log.error('the worker stopped', { error })
  log.mute()
  // Connections that hang on a lost database must not keep the process; whoever watches it starts it anew.
  process.exit(1)
}

async function work(log: Log): Promise<void> {
  const worker = await startWorker(readWorkerSettings(process.env), log)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // `on`, not `once`: Ctrl-C reaches us from the terminal and again from the stack.
    process.on(signal, () => void worker.stop())
  }
  log.info('worker ready', { ready: true, pid: process.pid })
  await worker.done
  log.info('worker stopped')
}
