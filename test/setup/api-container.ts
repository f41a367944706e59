/** PostgREST in a container, beside the Postgres that server-containers.ts started. */
import { setTimeout as sleep } from 'node:timers/promises'
import { postgrestSettings } from '../../stack/postgrest/settings.ts'
import type { ApiSource } from './context.ts'
import type { TestDatabase } from './database.ts'

const API_PORT = 3000
const ADMIN_PORT = 3001
const READY_TIMEOUT_MS = 20_000

/** Starts the image with the settings the embedded PostgREST gets. */
export async function launchApiContainer(
  source: Extract<ApiSource, { kind: 'container' }>,
  database: TestDatabase,
  settings: Record<string, string>,
  port?: number,
): Promise<{ url: string; stop(): Promise<void> }> {
  const { GenericContainer } = await import('testcontainers')
  const databaseUrl = new URL(database.url('howdah_authenticator'))
  databaseUrl.hostname = source.databaseHost
  databaseUrl.port = String(source.databasePort)
  const environment = postgrestSettings({
    databaseUrl: databaseUrl.href,
    jwtSecret: database.target.secrets.jwt_secret,
    host: '0.0.0.0',
    port: API_PORT,
    adminPort: ADMIN_PORT,
  })
  const container = await new GenericContainer(source.image)
    .withNetworkMode(source.network)
    .withEnvironment({ ...environment, ...settings })
    .withExposedPorts(port ? { container: API_PORT, host: port } : API_PORT, ADMIN_PORT)
    .start()
  const host = container.getHost()
  const ready = `http://${host}:${container.getMappedPort(ADMIN_PORT)}/ready`
  const end = Date.now() + READY_TIMEOUT_MS
  while (!(await answersOk(ready))) {
    if (Date.now() > end)
      throw new Error(`PostgREST (${source.image}) is not ready after ${READY_TIMEOUT_MS} ms.`)
    await sleep(20)
  }
  return {
    url: `http://${host}:${container.getMappedPort(API_PORT)}`,
    stop: async () => {
      await container.stop()
    },
  }
}

async function answersOk(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1_000) })).ok
  } catch {
    return false // not listening yet
  }
}
