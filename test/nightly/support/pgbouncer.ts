/** A real PgBouncer in transaction mode before a test database, where the machine has one. */
import { spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectionUrl } from '../../../stack/connection-url.ts'
import { freePort, isPortFree } from '../../../stack/free-port.ts'
import { postgresOsUser } from '../../../stack/postgres/os-user.ts'
import type { TestDatabase } from '../../setup/database.ts'

const PLACES = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer']

/** A pooler; its URL is howdah_authenticator's. */
export type Pooler = { url: string; stop(): Promise<void> }

/** Starts one, or says undefined where none is installed. */
export async function pgbouncer(db: TestDatabase): Promise<Pooler | undefined> {
  const binary = PLACES.find((place) => existsSync(place))
  if (!binary) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'howdah-pgbouncer-'))
  const port = await freePort()
  const target = new URL(db.url('howdah_authenticator'))
  const config = join(folder, 'pgbouncer.ini')
  const parts = {
    host: target.hostname,
    port: target.port,
    dbname: db.name,
    user: target.username,
    password: decodeURIComponent(target.password),
  }
  const database = Object.entries(parts).map(([key, value]) => `${key}=${value}`)
  writeFileSync(
    config,
    `[databases]
${db.name} = ${database.join(' ')}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 10
ignore_startup_parameters = extra_float_digits
`,
    { mode: 0o600 },
  )
  // It refuses to run as root, like Postgres.
  const user = postgresOsUser(console.log)
  if (user) for (const path of [folder, config]) chownSync(path, user.uid, user.gid)
  const child = spawn(binary, ['-q', config], { stdio: 'inherit', ...(user ?? {}) })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  for (let n = 0; n < 100 && (await isPortFree(port)); n++) await sleep(50)
  return {
    url: connectionUrl(`postgres://127.0.0.1:${port}/${db.name}`, { user: target.username }),
    stop: async () => {
      child.kill('SIGINT')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
