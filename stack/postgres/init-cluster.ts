/** Makes a new cluster, whole or not at all. */
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { watchChild } from '../process/child.ts'
import { childEnvironment } from '../process/child-environment.ts'
import { guardedSpawn } from '../process/guarded-spawn.ts'
import { StackError } from '../stack-error.ts'
import type { PostgresBinaries } from './binaries.ts'
import type { OsUser } from './os-user.ts'

/** What initdb needs to know. */
export type NewCluster = {
  folder: string
  binaries: PostgresBinaries
  user: OsUser | undefined
  superuserPassword: string
  /** False for test clusters, which nobody misses after a power cut. */
  isDurable: boolean
}

/**
 * Runs initdb unless the folder already holds a cluster. Sort order is the builtin C.UTF-8, the same on every
 * platform and in containers; passwords are SCRAM, also on the loopback.
 * @returns true when a cluster was made
 * @throws start_failed
 */
export async function initCluster(cluster: NewCluster): Promise<boolean> {
  if (existsSync(`${cluster.folder}/PG_VERSION`)) return false
  // initdb interrupted half-way leaves a folder that looks like a cluster; so it works beside, and a rename ends it.
  const partial = `${cluster.folder}.partial`
  const passwordFile = `${cluster.folder}.password`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { mode: 0o700 })
  writeFileSync(passwordFile, `${cluster.superuserPassword}\n`, { mode: 0o600 })
  if (cluster.user) {
    chownSync(partial, cluster.user.uid, cluster.user.gid)
    chownSync(passwordFile, cluster.user.uid, cluster.user.gid)
  }
  try {
    await runInitdb(cluster, partial, passwordFile)
    renameSync(partial, cluster.folder)
  } finally {
    rmSync(passwordFile, { force: true })
    rmSync(partial, { recursive: true, force: true })
  }
  return true
}

async function runInitdb(cluster: NewCluster, folder: string, passwordFile: string): Promise<void> {
  const args = ['-D', folder, '-U', 'postgres', '--pwfile', passwordFile, '-A', 'scram-sha-256', '-E', 'UTF8']
  args.push('--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8')
  if (!cluster.isDurable) args.push('--no-sync')
  const child = await watchChild(
    guardedSpawn({
      command: cluster.binaries.initdb,
      args,
      env: childEnvironment(process.env),
      cwd: dirname(cluster.folder),
      as: cluster.user,
      deathSignal: 'KILL',
    }),
  )
  const { code } = await child.exited
  if (code === 0) return
  throw new StackError(
    'start_failed',
    `Making a new database cluster in ${cluster.folder} failed (initdb ended with ${code}):\n${child.lastLines()}`,
    'Is the disk full, or the folder not writable? HOWDAH_DATA_DIR names another place.',
  )
}
