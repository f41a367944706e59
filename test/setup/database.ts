/** A database of its own for each test file: a copy of the template, made in about 20 milliseconds. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg, { escapeIdentifier } from 'pg'
import { inject } from 'vitest'
import { connectionUrl } from '../../stack/connection-url.ts'
import { MAINTENANCE_DATABASE } from '../../stack/provision/provision.ts'
import { adminUrlFor, type LoginRole, type Target, urlFor } from '../../stack/provision/target.ts'
import { withClient } from '../../stack/provision/with-client.ts'
import type { TestApi } from './api.ts'
import { copyDatabase } from './copy-database.ts'

/** The roles one can be in a test. Those that cannot log in are reached through howdah_authenticator. */
export type Role =
  | LoginRole
  | 'howdah_anon'
  | 'howdah_user'
  | 'howdah_admin'
  | 'howdah_analytics'
  | 'howdah_readonly'
  | 'howdah_backup'

/** Who acts in `session()`: a role and, like PostgREST sets them, the claims of an access token. */
export type Actor = { role: Role; claims?: Record<string, unknown> }

/** A copy of the template and the ways into it. */
export type TestDatabase = {
  name: string
  target: Target
  /** howdah_migrations: owns everything, is no superuser; what an operator is. */
  owner: pg.Pool
  superuser: pg.Pool
  /** A pool whose sessions are `role`. */
  as(role: Role): pg.Pool
  /** A URL for programs that connect themselves, such as the worker. */
  url(role: LoginRole | 'superuser'): string
  /** Runs `work` in a transaction as the actor and rolls it back. */
  session<T>(actor: Actor, work: (client: pg.PoolClient) => Promise<T>): Promise<T>
  /** APIs started for this database; testApi() enters itself. */
  apis: Set<TestApi>
  /** Ends every session but the asking one, and waits until our own pools have noticed. */
  endSessions(): Promise<void>
  /** Stops its APIs, closes its pools and drops it. */
  drop(): Promise<void>
}

/**
 * Makes the copy. Drop it when the file is done.
 * @example
 * const db = await testDatabase()
 * afterAll(() => db.drop())
 */
export async function testDatabase(): Promise<TestDatabase> {
  const server = inject('howdah')
  const name = `${server.prefix}_${randomBytes(5).toString('hex')}`
  const maintenanceUrl = adminUrlFor(server, MAINTENANCE_DATABASE)
  await withClient(maintenanceUrl, (admin) => copyDatabase(admin, server.template, name))
  const target: Target = { adminUrl: server.adminUrl, database: name, secrets: server.secrets }
  const pools = new Map<string, pg.Pool>()
  const apis = new Set<TestApi>()
  const url = (role: LoginRole | 'superuser') =>
    role === 'superuser' ? adminUrlFor(target, name) : urlFor(target, role)
  const pool = (key: string, connectionString: string) => {
    const existing = pools.get(key)
    if (existing) return existing
    const made = new pg.Pool({ connectionString, max: 8 })
    // Idle sessions are ended on purpose by endSessions() and drop().
    made.on('error', () => {})
    pools.set(key, made)
    return made
  }
  const as = (role: Role) =>
    pool(
      role,
      isLoginRole(role)
        ? url(role)
        : becoming(url(isWebRole(role) ? 'howdah_authenticator' : 'superuser'), role),
    )
  const superuser = pool('superuser', url('superuser'))
  return {
    name,
    target,
    owner: as('howdah_migrations'),
    superuser,
    as,
    url,
    session: (actor, work) => rolledBack(superuser, actor, work),
    apis,
    endSessions: async () => {
      await superuser.query(
        'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()',
        [name],
      )
      const others = [...pools.values()].filter((other) => other !== superuser)
      while (others.some((other) => other.idleCount > 0)) await sleep(2)
    },
    drop: async () => {
      await Promise.all([...apis].map((api) => api.close()))
      await Promise.all([...pools.values()].map((open) => open.end()))
      await withClient(maintenanceUrl, (admin) =>
        admin.query(`drop database if exists ${escapeIdentifier(name)} with (force)`),
      )
    },
  }
}

const LOGIN_ROLES: readonly string[] = ['howdah_migrations', 'howdah_authenticator', 'howdah_worker']

function isLoginRole(role: Role): role is LoginRole {
  return LOGIN_ROLES.includes(role)
}

/** The roles PostgREST becomes. */
function isWebRole(role: Role): boolean {
  return role === 'howdah_anon' || role === 'howdah_user' || role === 'howdah_admin'
}

/** Every session of the pool starts as the role, by a startup parameter. */
function becoming(url: string, role: Role): string {
  const changed = new URL(connectionUrl(url, {}))
  changed.searchParams.set('options', `-c role=${role}`)
  return changed.href
}

async function rolledBack<T>(
  pool: pg.Pool,
  actor: Actor,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const claims = { role: actor.role, ...actor.claims }
    await client.query(`select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`, [
      actor.role,
      JSON.stringify(claims),
    ])
    return await work(client)
  } finally {
    await client.query('rollback').catch(() => {})
    client.release()
  }
}
