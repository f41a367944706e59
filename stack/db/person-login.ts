/** Gives a person or a tool a login with the rights and limits of one of the roles for people and tools. */
import { randomBytes } from 'node:crypto'
import { escapeIdentifier, escapeLiteral } from 'pg'
import { z } from 'zod'
import { MAINTENANCE_DATABASE } from '../provision/provision.ts'
import { scramVerifier } from '../provision/scram.ts'
import { adminUrlFor, type Target } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import { StackError } from '../stack-error.ts'

/** The roles that people and tools log in with. docs/roles.md says what each may do. */
export const READING_ROLES = [
  'howdah_analytics',
  'howdah_readonly',
  'howdah_monitoring',
  'howdah_backup',
] as const

/** Our own roles and Postgres' would be taken for each other. */
const NAME = /^(?!howdah_|pg_)[a-z][a-z0-9_]{1,62}$/
/** A person has a few windows open; more would take the API's connections. */
const CONNECTION_LIMIT = 5

const settings = z.object({ setconfig: z.array(z.string()) })

/**
 * Makes the login, or gives an existing one of the same role a new password, and returns it. Rights are inherited by
 * membership; limits and attributes are not, so they are copied.
 * @throws refused when the name or the role cannot be used
 */
export async function personLogin(target: Target, name: string, role: string): Promise<string> {
  if (!READING_ROLES.some((known) => known === role)) {
    throw new StackError(
      'refused',
      `"${role}" is no role for people and tools.`,
      `Choose one of ${READING_ROLES.join(', ')}.`,
    )
  }
  if (!NAME.test(name)) {
    throw new StackError(
      'refused',
      `"${name}" cannot be a login.`,
      'Write two or more lower-case letters, digits or _, starting with a letter, and not with howdah_ or pg_.',
    )
  }
  const password = randomBytes(24).toString('base64url')
  await withClient(adminUrlFor(target, MAINTENANCE_DATABASE), async (admin) => {
    const { rows } = await admin.query<{ name: string; memberships: string[]; traits: string }>(
      `select r.rolname as name, array(
          select m.roleid::regrole::text from pg_auth_members as m where m.member = r.oid order by 1
        ) as memberships,
        concat_ws(' ', case when r.rolbypassrls then 'bypassrls' end, case when r.rolreplication then 'replication' end) as traits
       from pg_roles as r where r.rolname in ($1, $2)`,
      [name, role],
    )
    const existing = rows.find((row) => row.name === name)
    if (existing && existing.memberships.join() !== role) {
      throw new StackError(
        'refused',
        `There is a role "${name}" already, and it is no login of ${role}.`,
        'Choose another name.',
      )
    }
    const login = escapeIdentifier(name)
    const traits = rows.find((row) => row.name === role)?.traits ?? ''
    await admin.query('begin')
    if (!existing) await admin.query(`create role ${login} in role ${escapeIdentifier(role)}`)
    await admin.query(
      `alter role ${login} login ${traits} connection limit ${CONNECTION_LIMIT} password ${escapeLiteral(scramVerifier(password))}`,
    )
    const found = await admin.query(
      'select setconfig from pg_db_role_setting where setrole = $1::regrole and setdatabase = 0',
      [role],
    )
    for (const limit of found.rows.flatMap((row) => settings.parse(row).setconfig)) {
      const at = limit.indexOf('=')
      const value = limit
        .slice(at + 1)
        .split(', ')
        .map(escapeLiteral)
        .join(', ')
      await admin.query(`alter role ${login} set ${escapeIdentifier(limit.slice(0, at))} = ${value}`)
    }
    await admin.query('commit')
  })
  return password
}

/**
 * Ends a login that personLogin() made, and what it is doing.
 * @throws refused when there is no such login
 */
export async function endPersonLogin(target: Target, name: string): Promise<void> {
  await withClient(adminUrlFor(target, MAINTENANCE_DATABASE), async (admin) => {
    const { rowCount } = await admin.query(
      `select from pg_auth_members as m
       join pg_roles as r on r.oid = m.member and r.rolname = $1 and r.rolname !~ '^(howdah_|pg_)'
       join pg_roles as g on g.oid = m.roleid and g.rolname = any($2)`,
      [name, READING_ROLES],
    )
    if (!rowCount) {
      throw new StackError(
        'refused',
        `There is no login "${name}" of a role for people and tools.`,
        'npm run db:sql -- "select member::regrole, roleid::regrole from pg_auth_members" shows all.',
      )
    }
    const login = escapeIdentifier(name)
    await admin.query(`alter role ${login} nologin`)
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [name])
    await admin.query(`drop role ${login}`)
  })
}
