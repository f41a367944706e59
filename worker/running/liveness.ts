/**
 * Shows that this worker lives, and notices when others died. graphile-worker keeps the jobs of a killed process
 * locked for four hours; a lock on a connection ends with the process, so its absence tells at once.
 */
import pg from 'pg'

/** With the 15 seconds of grace in ops.release_dead_workers, jobs are free again after 35 seconds at most. */
const CHECK_EVERY_MS = 20_000

/** The connection that holds the locks. */
export type Liveness = AsyncDisposable & {
  /** Marks a worker as alive as long as this process lives. */
  hold(workerId: string): Promise<void>
}

/** Connects. `onLost` is called once when the connection breaks, which is also how a lost database shows first. */
export async function openLiveness(databaseUrl: string, onLost: (error: Error) => void): Promise<Liveness> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    keepAlive: true,
    application_name: 'howdah-worker-liveness',
  })
  let isClosing = false
  const lost = (error: Error) => {
    if (isClosing) return
    isClosing = true
    clearInterval(timer)
    onLost(error)
  }
  client.on('error', lost)
  client.on('end', () => lost(new Error('the connection ended')))
  const timer = setInterval(
    () => void client.query('select ops.release_dead_workers()').catch(lost),
    CHECK_EVERY_MS,
  )
  try {
    await client.connect()
  } catch (error) {
    isClosing = true
    clearInterval(timer)
    throw error
  }
  return {
    async hold(workerId) {
      await client.query('select pg_advisory_lock(ops.worker_lock_key($1))', [workerId])
    },
    async [Symbol.asyncDispose]() {
      isClosing = true
      clearInterval(timer)
      await client.end()
    },
  }
}
