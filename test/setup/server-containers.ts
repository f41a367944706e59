/** The same tests on the images that docker-compose.yml names (HOWDAH_TEST_STACK=testcontainers). */
import type { Secrets } from '../../stack/secrets.ts'
import type { Settings } from '../../stack/settings.ts'
import { StackError } from '../../stack/stack-error.ts'
import { composeImage } from './compose-images.ts'
import type { StartedServer } from './global.ts'
import { RUN_LABEL, removeLeftContainers } from './left-containers.ts'

/** What the embedded test server runs with, as far as an image takes it. */
const PARAMETERS = ['fsync=off', 'max_connections=200', 'shared_preload_libraries=pg_stat_statements']

/** The name PostgREST's containers know the database by. */
const DATABASE_HOST = 'database'

/**
 * Starts Postgres in a container. There is no way back to the embedded stack from here: who asks for containers wants
 * to know that they work.
 * @throws container_engine_missing when no engine answers or an image can be had neither here nor from a registry
 */
export async function startContainers(settings: Settings, secrets: Secrets): Promise<StartedServer> {
  if (settings.databaseUrl) {
    throw new StackError(
      'settings_invalid',
      'HOWDAH_TEST_STACK=testcontainers and HOWDAH_DATABASE_URL exclude each other.',
      'Unset one of the two.',
    )
  }
  // Its watchdog (ryuk) is one more image to fetch. Containers of a run that was killed go at the next run instead.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true'
  // 44 MB and 160 ms that only this mode needs.
  const { GenericContainer, getContainerRuntimeClient, Network, Wait } = await import('testcontainers')
  const engine = await getContainerRuntimeClient().catch((cause: unknown) => {
    const remedy = 'Start one (docker, podman), or unset HOWDAH_TEST_STACK.'
    throw missing('No container engine answers', cause, remedy)
  })
  await removeLeftContainers(engine)
  const image = composeImage('postgres')
  const apiImage = composeImage('postgrest')
  const network = await new Network().start()
  try {
    const container = await new GenericContainer(image)
      .withNetwork(network)
      .withNetworkAliases(DATABASE_HOST)
      .withLabels({ [RUN_LABEL]: String(process.pid) })
      .withEnvironment({
        POSTGRES_PASSWORD: secrets.superuser_password,
        POSTGRES_INITDB_ARGS: '--encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8',
      })
      .withCommand(['postgres', ...PARAMETERS.flatMap((parameter) => ['-c', parameter])])
      .withExposedPorts(5432)
      // The image starts twice: once to initialise itself, once for us.
      .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
      .start()
    const password = encodeURIComponent(secrets.superuser_password)
    return {
      adminUrl: `postgres://postgres:${password}@${container.getHost()}:${container.getMappedPort(5432)}/postgres`,
      api: {
        kind: 'container',
        image: apiImage,
        network: network.getName(),
        databaseHost: DATABASE_HOST,
        databasePort: 5432,
        runPid: process.pid,
      },
      stop: async () => {
        await container.stop({ timeout: 0 })
        await network.stop()
      },
    }
  } catch (cause) {
    await network.stop()
    const remedy = `If it is not here yet, fetch it: docker pull ${image}. The last lines of its container say more.`
    throw missing(`The image ${image} could not be started`, cause, remedy)
  }
}

function missing(what: string, cause: unknown, hint: string): StackError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = `HOWDAH_TEST_STACK=testcontainers: ${what}: ${reason}`
  return new StackError('container_engine_missing', message, hint, { cause })
}
