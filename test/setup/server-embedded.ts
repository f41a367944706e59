/** The embedded Postgres on a throwaway folder below the system's temporary folder. */

import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../stack/free-port.ts'
import { postgresBinaries } from '../../stack/postgres/binaries.ts'
import { clusterFolder, outsideFolder } from '../../stack/postgres/cluster-folder.ts'
import { initCluster } from '../../stack/postgres/init-cluster.ts'
import { launchPostgres, THROWAWAY_PARAMETERS } from '../../stack/postgres/launch.ts'
import { postgresOsUser } from '../../stack/postgres/os-user.ts'
import { postgrestBinary } from '../../stack/postgrest/binary.ts'
import { isPidAlive } from '../../stack/process/is-pid-alive.ts'
import type { Secrets } from '../../stack/secrets.ts'
import type { Settings } from '../../stack/settings.ts'
import type { StartedServer } from './global.ts'

const FOLDER = /^howdah-test-(\d+)$/

/** Starts a server nobody misses afterwards; its folder goes when it stops. */
export async function startEmbedded(settings: Settings, secrets: Secrets): Promise<StartedServer> {
  removeLeftovers()
  const dataDir = join(tmpdir(), `howdah-test-${process.pid}`)
  mkdirSync(dataDir, { mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
  const user = postgresOsUser(console.log)
  const folder = clusterFolder(dataDir, user)
  const binaries = postgresBinaries(user)
  await initCluster({
    folder,
    binaries,
    user,
    superuserPassword: secrets.superuser_password,
    isDurable: false,
  })
  const parameters = { ...THROWAWAY_PARAMETERS, shared_preload_libraries: 'pg_stat_statements' }
  const server = await launchPostgres({ folder, binaries, user, port: await freePort(), parameters })
  return {
    adminUrl: `postgres://postgres:${secrets.superuser_password}@127.0.0.1:${server.port}/postgres`,
    api: { kind: 'binary', path: postgrestBinary(settings.postgrestBin) },
    stop: async () => {
      await server.stop()
      removeFolder(dataDir)
    },
  }
}

/** A test run that was killed could not remove its folder; its server has left long ago. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = FOLDER.exec(name)?.[1]
    if (pid && !isPidAlive(Number(pid))) removeFolder(join(tmpdir(), name))
  }
}

function removeFolder(dataDir: string): void {
  const outside = outsideFolder(dataDir)
  if (outside) rmSync(outside, { recursive: true, force: true })
  rmSync(dataDir, { recursive: true, force: true })
}
