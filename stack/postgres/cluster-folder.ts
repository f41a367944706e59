/**
 * Where the cluster of a data folder lies. Normally <data>/postgres. When we are root and the user postgres cannot
 * enter the data folder, /var/lib/howdah/<hash of the data folder's real path>/postgres: the same path every time.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { StackError } from '../stack-error.ts'
import type { OsUser } from './os-user.ts'
import { canEnter } from './reachable.ts'

const ROOT_CLUSTERS = '/var/lib/howdah'

/**
 * The cluster's folder; its parent exists afterwards. `dataDir` must exist.
 * @throws data_folder_unreachable when a cluster made earlier can no longer be entered
 */
export function clusterFolder(dataDir: string, user: OsUser | undefined): string {
  const inside = join(dataDir, 'postgres')
  if (canEnter(user, dataDir)) return inside
  if (existsSync(join(inside, 'PG_VERSION'))) {
    throw new StackError(
      'data_folder_unreachable',
      `The database in ${inside} belongs to the OS user "postgres", who can no longer enter that folder.`,
      `Give back the right to pass through every folder above it (chmod o+x), or move it elsewhere with HOWDAH_DATA_DIR.`,
    )
  }
  const parent = outsideFolder(dataDir)
  mkdirSync(parent, { recursive: true, mode: 0o711 })
  return join(parent, 'postgres')
}

/** The folder outside the data folder that may hold its cluster; `npm start -- --fresh` deletes both. */
export function outsideFolder(dataDir: string): string {
  const hash = createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 12)
  return join(ROOT_CLUSTERS, hash)
}
