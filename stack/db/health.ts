/** db:health: is everything this checkout expects of its database there? */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { adminUrlFor, type Target } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import { runningStack } from '../run-file.ts'
import { serverVersion } from '../server.ts'
import type { Settings } from '../settings.ts'
import { appliedMigrations, committedMigrations } from './committed.ts'

/** One line of the report. `warn` is worth reading and no failure. */
export type HealthFinding = { what: string; state: 'ok' | 'warn' | 'bad'; found: string }

/** Looks at everything; does not stop at the first bad finding. */
export async function databaseHealth(target: Target, settings: Settings): Promise<HealthFinding[]> {
  const version = await serverVersion(target)
  return withClient(adminUrlFor(target, target.database), async (client) => [
    { what: 'Postgres', state: version.warning ? 'warn' : 'ok', found: version.warning ?? version.text },
    await migrations(client, settings.projectDir),
    ...(await expectedByAfterReset(client, settings.projectDir)),
    await secretIsSet(client),
    await worker(client),
    await postgrest(settings),
  ])
}

async function migrations(client: pg.ClientBase, projectDir: string): Promise<HealthFinding> {
  const what = 'migrations'
  const [files, applied] = [await committedMigrations(projectDir), await appliedMigrations(client)]
  const hashes = new Map(applied.map((row) => [row.filename, row.hash]))
  const pending = files.filter((file) => !hashes.has(file.filename)).map((file) => file.filename)
  if (pending.length > 0) {
    return { what, state: 'bad', found: `${pending.join(', ')} not applied; type: npm run db:migrate` }
  }
  const changed = files.filter((file) => hashes.get(file.filename) !== file.hash).map((file) => file.file)
  if (changed.length > 0)
    return { what, state: 'bad', found: `${changed.join(', ')} differs from what was applied` }
  const unknown = applied.length - files.length
  if (unknown > 0)
    return { what, state: 'bad', found: `the database has ${unknown} that this checkout does not know` }
  return { what, state: 'ok', found: `${applied.length} applied, none pending` }
}

/** after_reset.sql is the list of extensions and roles; it is read here instead of being repeated. */
async function expectedByAfterReset(client: pg.ClientBase, projectDir: string): Promise<HealthFinding[]> {
  const sql = await readFile(join(projectDir, 'migrations', 'after_reset.sql'), 'utf8')
  const names = (pattern: RegExp) => [...new Set([...sql.matchAll(pattern)].map((match) => match[1] ?? ''))]
  const extensions = await client.query<{ name: string }>('select extname as name from pg_extension')
  const roles = await client.query<{ name: string }>('select rolname as name from pg_roles')
  return [
    compare('extensions', names(/create extension if not exists (\w+)/g), extensions.rows),
    compare('roles', names(/'(howdah_\w+)'/g), roles.rows),
  ]
}

function compare(what: string, expected: string[], rows: { name: string }[]): HealthFinding {
  const found = new Set(rows.map((row) => row.name))
  const missing = expected.filter((name) => !found.has(name))
  if (missing.length > 0)
    return { what, state: 'bad', found: `missing: ${missing.join(', ')}; type: npm run db:init` }
  return { what, state: 'ok', found: expected.join(', ') }
}

async function secretIsSet(client: pg.ClientBase): Promise<HealthFinding> {
  const { rowCount } = await client.query(`select 1 from private.secrets where name = 'jwt_secret'`)
  return rowCount
    ? { what: 'token secret', state: 'ok', found: 'set' }
    : { what: 'token secret', state: 'bad', found: 'not set, so nobody can sign in; type: npm run db:init' }
}

async function worker(client: pg.ClientBase): Promise<HealthFinding> {
  const { rowCount } = await client.query(
    `select 1 from pg_stat_activity where usename = 'howdah_worker' and datname = current_database()`,
  )
  return rowCount
    ? { what: 'worker', state: 'ok', found: `${rowCount} connections` }
    : { what: 'worker', state: 'warn', found: 'none is connected; scheduled work waits' }
}

async function postgrest(settings: Settings): Promise<HealthFinding> {
  const running = runningStack(settings.dataDir)
  if (!running) return { what: 'PostgREST', state: 'warn', found: 'no stack runs on this data folder' }
  const url = `http://127.0.0.1:${running.ports.admin}/ready`
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(3_000) })
    if (answer.ok) return { what: 'PostgREST', state: 'ok', found: `ready on port ${running.ports.api}` }
    return { what: 'PostgREST', state: 'bad', found: `${url} answers ${answer.status}` }
  } catch (error) {
    return {
      what: 'PostgREST',
      state: 'bad',
      found: `${url}: ${error instanceof Error ? error.message : error}`,
    }
  }
}
