/** The Postgres that serves a restored copy: the embedded one, or the programs HOWDAH_POSTGRES_BIN names. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { type PostgresBinaries, postgresBinaries } from '../postgres/binaries.ts'
import { type OsUser, postgresOsUser } from '../postgres/os-user.ts'
import { StackError } from '../stack-error.ts'

/** The programs, whom they run as, and which Postgres they are. */
export type Programs = { binaries: PostgresBinaries; user: OsUser | undefined; major: number }

/**
 * Finds and tries them.
 * @throws binary_missing, binary_broken
 */
export function postgresPrograms(say: (line: string) => void, folder?: string): Programs {
  const user = postgresOsUser(say)
  const binaries = folder
    ? { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') }
    : postgresBinaries(user)
  const run = spawnSync(binaries.postgres, ['--version'], { ...user, cwd: '/', encoding: 'utf8' })
  const major = Number(/PostgreSQL\) (\d+)/.exec(run.stdout ?? '')?.[1])
  if (!Number.isInteger(major)) {
    throw new StackError(
      'binary_broken',
      `${binaries.postgres} is no Postgres that runs: ${run.error?.message ?? run.stderr.trim()}`,
      'HOWDAH_POSTGRES_BIN names the folder with the programs "postgres" and "initdb"; without it the embedded ones are used.',
    )
  }
  return { binaries, user, major }
}
