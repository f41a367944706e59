/** A database nobody misses afterwards, on a durable cluster of its own: what is measured is what production pays. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../stack/free-port.ts'
import { outsideFolder } from '../stack/postgres/cluster-folder.ts'
import { provision } from '../stack/provision/provision.ts'
import type { Target } from '../stack/provision/target.ts'
import { loadSecrets } from '../stack/secrets.ts'
import { startEmbeddedServer } from '../stack/server.ts'
import { readSettings, type Settings } from '../stack/settings.ts'

/**
 * Starts Postgres with fsync on in a temporary folder, provisions it, works, and removes all of it, also after Ctrl-C.
 * @throws what starting, provisioning or `work` throws
 */
export async function withThrowawayDatabase<T>(
  work: (target: Target, settings: Settings) => Promise<T>,
): Promise<T> {
  const dataDir = mkdtempSync(join(tmpdir(), 'howdah-bench-'))
  // The cluster belongs to the OS user postgres when we are root; it must pass through.
  chmodSync(dataDir, process.getuid?.() === 0 ? 0o711 : 0o700)
  const settings: Settings = { ...readSettings({}), dataDir }
  const remove = () => {
    const outside = outsideFolder(dataDir)
    if (outside) rmSync(outside, { recursive: true, force: true })
    rmSync(dataDir, { recursive: true, force: true })
  }
  let server: Awaited<ReturnType<typeof startEmbeddedServer>> | undefined
  const end = async () => {
    await server?.server.stop()
    remove()
  }
  const interrupt = () => void end().finally(() => process.exit(130))
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    server = await startEmbeddedServer(
      settings,
      loadSecrets(settings),
      await freePort(),
      console.error,
      () => {},
    )
    await provision(server.target, settings.projectDir)
    return await work(server.target, settings)
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
    await end()
  }
}
