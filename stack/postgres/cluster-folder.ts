/**
 * Where the cluster of a data folder lies. Normally <data>/postgres. When we are root and the user postgres cannot enter
 * the data folder (it lies below a home with mode 0700, say): /var/lib/howdah/<id>/postgres, with the id kept in
 * <data>/cluster-id. Whoever deletes the data folder begins anew; whoever moves it takes its cluster along.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
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
  const outside = outsideFolder(dataDir)
  if (outside) return join(outside, 'postgres')
  const inside = join(dataDir, 'postgres')
  if (canEnter(user, dataDir)) return inside
  if (existsSync(join(dataDir, 'postgres', 'PG_VERSION'))) {
    throw new StackError(
      'data_folder_unreachable',
      `The database in ${inside} belongs to the OS user "postgres", who can no longer enter that folder.`,
      `Give back the right to pass through every folder above it (chmod o+x), or move it elsewhere with HOWDAH_DATA_DIR.`,
    )
  }
  return join(makeOutsideFolder(dataDir), 'postgres')
}

/** The folder outside the data folder that holds its cluster, if there is one. `--fresh` deletes it too. */
export function outsideFolder(dataDir: string): string | undefined {
  try {
    const id = readFileSync(idFile(dataDir), 'utf8').trim()
    // The file names a folder that will be deleted one day, so nothing but an id of ours is taken from it.
    return /^[0-9a-f]{16}$/.test(id) ? join(ROOT_CLUSTERS, id) : undefined
  } catch {
    return undefined // no such file: the cluster lies inside
  }
}

function makeOutsideFolder(dataDir: string): string {
  const id = randomBytes(8).toString('hex')
  const folder = join(ROOT_CLUSTERS, id)
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  // For whoever finds the folder one day and wonders whose it is.
  writeFileSync(join(folder, 'data-folder'), `${dataDir}\n`, { mode: 0o600 })
  writeFileSync(idFile(dataDir), `${id}\n`, { mode: 0o600 })
  return folder
}

function idFile(dataDir: string): string {
  return join(dataDir, 'cluster-id')
}
