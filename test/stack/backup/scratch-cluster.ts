/** A small Postgres of its own with a log that can be archived, in a folder whose name is as awkward as people's are. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { archiveParameters } from '../../../stack/backup/archive-command.ts'
import { type Programs, postgresPrograms } from '../../../stack/backup/programs.ts'
import { freePort } from '../../../stack/free-port.ts'
import { initCluster } from '../../../stack/postgres/init-cluster.ts'
import { launchPostgres, type RunningServer } from '../../../stack/postgres/launch.ts'
import { withClient } from '../../../stack/provision/with-client.ts'

/** A cluster, its archive and room for what is made of it. */
export type ScratchCluster = {
  /** Everything lies below it. */
  home: string
  dataDir: string
  walArchive: string
  programs: Programs
  url: string
  sql<T extends object>(text: string, values?: unknown[]): Promise<T[]>
  start(): Promise<RunningServer>
  server(): RunningServer
  remove(): Promise<void>
}

const PASSWORD = 'scratch'

/** Makes and starts it. `binFolder` names another Postgres than the embedded one. */
export async function scratchCluster(
  parameters: Record<string, string> = {},
  binFolder?: string,
): Promise<ScratchCluster> {
  const home = mkdtempSync(join(tmpdir(), `howdah backup's Würfel 100% `))
  chmodSync(home, 0o711)
  const programs = postgresPrograms(console.error, binFolder)
  const { user, binaries } = programs
  const [dataDir, walArchive] = [join(home, 'data'), join(home, 'wal')]
  mkdirSync(walArchive, { mode: 0o700 })
  if (user) chownSync(walArchive, user.uid, user.gid)
  await initCluster({ folder: dataDir, binaries, user, superuserPassword: PASSWORD, isDurable: false })
  const port = await freePort()
  const url = `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`
  let server: RunningServer | undefined
  const start = async () => {
    server = await launchPostgres({
      folder: dataDir,
      binaries,
      user,
      port,
      parameters: { ...archiveParameters(walArchive), ...parameters },
    })
    return server
  }
  await start()
  return {
    home,
    dataDir,
    walArchive,
    programs,
    url,
    sql: <T extends object>(text: string, values: unknown[] = []) =>
      withClient(url, async (client) => (await client.query<T>(text, values)).rows),
    start,
    server: () => server as RunningServer,
    remove: async () => {
      await server?.stop()
      rmSync(home, { recursive: true, force: true })
    },
  }
}
