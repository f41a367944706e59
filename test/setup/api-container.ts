/** PostgREST in a container, beside the Postgres that server-containers.ts started. */
import { freePort } from '../../stack/free-port.ts'
import { postgrestSettings } from '../../stack/postgrest/settings.ts'
import type { Launched } from './api.ts'
import type { ApiSource } from './context.ts'
import type { TestDatabase } from './database.ts'
import { RUN_LABEL } from './left-containers.ts'

const API_PORT = 3000
const ADMIN_PORT = 3001
const READY_TIMEOUT_MS = 20_000

/** Starts the image with the settings the embedded PostgREST gets. */
export async function launchApiContainer(
  source: Extract<ApiSource, { kind: 'container' }>,
  database: TestDatabase,
  settings: Record<string, string>,
): Promise<Launched> {
  const { GenericContainer, Wait } = await import('testcontainers')
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
    .withLabels({ [RUN_LABEL]: String(source.runPid) })
    .withEnvironment({ ...environment, ...settings })
    // Named on our side, so that the URL survives a restart.
    .withExposedPorts({ container: API_PORT, host: await freePort() }, ADMIN_PORT)
    // The image has no shell, which the usual look at its ports from inside would need.
    .withWaitStrategy(Wait.forHttp('/ready', ADMIN_PORT).forStatusCode(200).withReadTimeout(500))
    .withStartupTimeout(READY_TIMEOUT_MS)
    .start()
  return {
    url: `http://${container.getHost()}:${container.getMappedPort(API_PORT)}`,
    restart: () => container.restart({ timeout: 0 }),
    stop: async () => {
      // Nothing in it is worth a goodbye.
      await container.stop({ timeout: 0 })
    },
  }
}
