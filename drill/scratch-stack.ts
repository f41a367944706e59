/** A whole stack in a folder of its own, and what is done to its cluster while it is down. */
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../stack/free-port.ts'
import { clusterFolder, outsideFolder } from '../stack/postgres/cluster-folder.ts'
import { postgresOsUser } from '../stack/postgres/os-user.ts'
import { readSettings, type Settings } from '../stack/settings.ts'

/** The folder, its settings, and how to leave nothing behind. */
export type ScratchStack = {
  home: string
  settings: Settings
  /** Where the cluster lies once the stack has been started. */
  cluster(): string
  /** Puts another cluster in place. */
  replaceCluster(folder: string): void
  remove(): void
}

/** Nothing of the caller's own stack is used but its programs. */
export async function scratchStack(): Promise<ScratchStack> {
  const home = mkdtempSync(join(tmpdir(), 'howdah-drill-'))
  chmodSync(home, process.getuid?.() === 0 ? 0o711 : 0o700)
  const dataDir = join(home, 'data')
  const settings = readSettings({
    HOWDAH_DATA_DIR: dataDir,
    HOWDAH_API_PORT: String(await freePort()),
    HOWDAH_ADMIN_PORT: String(await freePort()),
    HOWDAH_DB_PORT: String(await freePort()),
    ...(process.env['HOWDAH_POSTGREST_BIN']
      ? { HOWDAH_POSTGREST_BIN: process.env['HOWDAH_POSTGREST_BIN'] }
      : {}),
  })
  const cluster = () =>
    clusterFolder(
      dataDir,
      postgresOsUser(() => {}),
    )
  return {
    home,
    settings,
    cluster,
    replaceCluster: (folder) => {
      rmSync(cluster(), { recursive: true, force: true })
      renameSync(folder, cluster())
    },
    remove: () => {
      const outside = existsSync(dataDir) ? outsideFolder(dataDir) : undefined
      if (outside) rmSync(outside, { recursive: true, force: true })
      rmSync(home, { recursive: true, force: true })
    },
  }
}
