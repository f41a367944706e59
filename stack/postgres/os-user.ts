/** Postgres refuses to run as root; then it runs as the system's user `postgres`, made if there is none. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { StackError } from '../stack-error.ts'

/** The user and group the server runs as. */
export type OsUser = { uid: number; gid: number }

/**
 * The OS user for Postgres: undefined means "as ourselves" (we are not root).
 * @param say told when a user had to be made
 * @throws os_user_missing when there is none and none can be made
 */
export function postgresOsUser(say: (line: string) => void): OsUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const existing = findUser()
  if (existing) return existing
  const made = spawnSync('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/bin/false',
    'postgres',
  ])
  const user = findUser()
  if (!user) {
    throw new StackError(
      'os_user_missing',
      `Postgres does not run as root, this system has no user "postgres", and useradd could not make one: ` +
        `${made.error?.message ?? String(made.stderr).trim()}`,
      'Make one by hand (useradd --system postgres), or run npm start as an ordinary user.',
    )
  }
  say(`Made the system user "postgres" (uid ${user.uid}), because Postgres does not run as root.`)
  return user
}

function findUser(): OsUser | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'))
  const [, , uid, gid] = line?.split(':') ?? []
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined
}
