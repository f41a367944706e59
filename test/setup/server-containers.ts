/** The same tests on the images that docker-compose.yml names (HOWDAH_TEST_STACK=testcontainers). */
import type { Secrets } from '../../stack/secrets.ts'
import type { Settings } from '../../stack/settings.ts'
import { StackError } from '../../stack/stack-error.ts'
import { composeImage } from './compose-images.ts'
import type { StartedServer } from './global.ts'

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
  // 44 MB and 160 ms that only this mode needs.
  const { GenericContainer, getContainerRuntimeClient, Network, Wait } = await import('testcontainers')
  await getContainerRuntimeClient().catch((cause: unknown) => {
    throw missing(
      'No container engine answers',
      cause,
      'Start one (docker, podman), or unset HOWDAH_TEST_STACK.',
    )
  })
  const image = composeImage('postgres')
  const apiImage = composeImage('postgrest')
  try {
    const network = await new Network().start()
    const container = await new GenericContainer(image)
      .withNetwork(network)
      .withNetworkAliases(DATABASE_HOST)
      .withEnvironment({
        POSTGRES_PASSWORD: secrets.superuser_password,
        POSTGRES_INITDB_ARGS: '--locale=C --locale-provider=builtin --builtin-locale=C.UTF-8',
      })
      .withCommand(['postgres', '-c', 'fsync=off', '-c', 'max_connections=200'])
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
      },
      stop: async () => {
        await container.stop()
        await network.stop()
      },
    }
  } catch (cause) {
    throw missing(`The image ${image} could not be started`, cause, `Fetch it first: docker pull ${image}`)
  }
}

function missing(what: string, cause: unknown, hint: string): StackError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new StackError(
    'container_engine_missing',
    `HOWDAH_TEST_STACK=testcontainers: ${what}: ${reason}`,
    hint,
    {
      cause,
    },
  )
}
