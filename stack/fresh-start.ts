/** `npm start -- --fresh`: forgets the database and the secrets of a data folder, and nothing else that lies there. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { outsideFolder } from './postgres/cluster-folder.ts'
import { postmasterOn } from './postgres/postmaster-pid.ts'
import { refuseIfRunning } from './run-file.ts'
import type { Settings } from './settings.ts'
import { StackError } from './stack-error.ts'
import { confirm } from './terminal/confirm.ts'

/**
 * What the stack itself makes in a data folder. The folder may be anybody's, so only these names are deleted; in this
 * order, so that an interruption leaves no cluster whose id or password is forgotten.
 */
const OURS = [
  'postgres',
  'run.json',
  'logs',
  'mail',
  'exports',
  // Another database's seals: the worker would find that they differ and seal nothing.
  'audit-seals.jsonl',
  // Nor do another database's erasures concern this one.
  'erasures.jsonl',
  'signing-key.json',
  'secrets.json',
  'cluster-id',
]

/**
 * Deletes, after asking.
 * @throws refused, data_folder_in_use
 */
export async function freshStart(settings: Settings, isSure: boolean): Promise<void> {
  if (settings.databaseUrl) {
    throw new StackError(
      'refused',
      '--fresh deletes the embedded database, but HOWDAH_DATABASE_URL names another server.',
      'Unset it, or empty that database with: npm run db:reset -- --yes',
    )
  }
  if (!existsSync(settings.dataDir)) return
  refuseIfRunning(settings.dataDir)
  const outside = outsideFolder(settings.dataDir)
  const inside = OURS.map((name) => join(settings.dataDir, name))
  const folders = [...(outside ? [outside] : []), ...inside].filter((path) => existsSync(path))
  if (folders.length === 0) return
  for (const cluster of [join(settings.dataDir, 'postgres'), join(outside ?? '', 'postgres')]) {
    const pid = postmasterOn(cluster)
    if (pid === undefined) continue
    throw new StackError(
      'data_folder_in_use',
      `A Postgres (pid ${pid}) still serves ${cluster}.`,
      'npm run stack:stop',
    )
  }
  await confirm(`Delete the database, accounts and secrets in ${settings.dataDir}?`, isSure)
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}
