/** A storm of connections is held off, and what holds others up is ended, by an operator who is no superuser. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { personLogin } from '../../../../stack/db/person-login.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

const login = `storm_${randomBytes(4).toString('hex')}`
let db: TestDatabase
let url: string
beforeAll(async () => {
  db = await testDatabase()
  const made = new URL(db.url('howdah_migrations'))
  made.username = login
  made.password = await personLogin(db.target, login, 'howdah_readonly')
  url = made.href
})
afterAll(async () => {
  await db.superuser.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [
    login,
  ])
  await db.superuser.query(`drop role if exists ${pg.escapeIdentifier(login)}`)
  await db.drop()
})

/** So many connections at once: those that were let in, and why the others were not. */
async function storm(count: number): Promise<{ inside: pg.Client[]; codes: Set<unknown> }> {
  const inside: pg.Client[] = []
  const codes = new Set<unknown>()
  await Promise.all(
    Array.from({ length: count }, async () => {
      const client = new pg.Client(url)
      client.on('error', () => undefined)
      try {
        await client.connect()
        inside.push(client)
      } catch (error) {
        codes.add(error instanceof pg.DatabaseError ? error.code : error)
      }
    }),
  )
  return { inside, codes }
}
const sessions = async () =>
  (await db.superuser.query('select count(*)::int as n from pg_stat_activity where usename = $1', [login]))
    .rows[0].n

test('of sixty connections seven get in; the operator works on, ends them, and lets the others come again', async () => {
  const { rows } = await db.owner.query('select limit_connections($1, 7) as said', [login])
  expect(rows).toEqual([{ said: `${login}: at most 7 sessions` }])
  const { inside, codes } = await storm(60)
  expect(inside).toHaveLength(7)
  // too_many_connections
  expect([...codes]).toEqual(['53300'])
  const usage = await db.owner.query(
    'select session_count::int, connection_limit, used_ratio::int from monitor_connection_usage() where role = $1',
    [login],
  )
  expect(usage.rows).toEqual([{ session_count: 7, connection_limit: 7, used_ratio: 1 }])
  expect((await db.owner.query('select end_idle_sessions($1, 0) as ended', [login])).rows).toEqual([
    { ended: 7 },
  ])
  await expect.poll(sessions).toBe(0)
  await db.owner.query('select limit_connections($1, 20)', [login])
  const calm = await storm(12)
  expect(calm.inside).toHaveLength(12)
  await Promise.all(calm.inside.map((client) => client.end()))
})

test('a role’s limits hold for its next session', async () => {
  const said = await db.owner.query(
    `select said from set_role_timeouts($1, '200ms', lock_timeout => '100ms') as t (said)`,
    [login],
  )
  expect(said.rows).toEqual([
    { said: `${login}: statement_timeout = 200ms` },
    { said: `${login}: lock_timeout = 100ms` },
  ])
  const { inside } = await storm(1)
  const startedAt = performance.now()
  await expect(inside[0]?.query('select pg_sleep(20)')).rejects.toMatchObject({ code: '57014' })
  expect(performance.now() - startedAt).toBeLessThan(5000)
  expect((await inside[0]?.query('show lock_timeout'))?.rows).toEqual([{ lock_timeout: '100ms' }])
  await inside[0]?.end()
})

test('what runs for long is cancelled, and its session stays; one’s own goes on', async () => {
  await db.owner.query(`select from set_role_timeouts($1, '1min')`, [login])
  const { inside } = await storm(1)
  const sleeping = expect(inside[0]?.query('select pg_sleep(50)')).rejects.toMatchObject({ code: '57014' })
  await expect
    .poll(
      async () =>
        (await db.owner.query('select cancel_long_queries(0.1, $1) as ended', [login])).rows[0].ended,
    )
    .toBe(1)
  await sleeping
  expect((await inside[0]?.query('select 1 as one'))?.rows).toEqual([{ one: 1 }])
  await inside[0]?.end()
})

test.each([
  ['the owner', `limit_connections('howdah_migrations', 1)`, '42704'],
  ['a superuser', `limit_connections('postgres', 1)`, '42704'],
  ['a role of Postgres', `set_role_timeouts('pg_monitor', '1s')`, '42704'],
  ['nobody', `limit_connections('no_such_role', 1)`, '42704'],
  ['no limit at all', `set_role_timeouts('howdah_readonly', '0')`, '22023'],
  ['more than a limit', `set_role_timeouts('howdah_readonly', '5s'' superuser')`, '22023'],
  ['another setting', `extensions.limit_role('howdah_readonly', 'role', '5s')`, '22023'],
])('refused: %s', async (_, call, code) => {
  await expect(db.owner.query(`select ${call}`)).rejects.toMatchObject({ code })
})

test.each(['howdah_user', 'howdah_admin', 'howdah_worker', 'howdah_anon', 'howdah_readonly'] as const)(
  'refused to %s',
  async (role) => {
    for (const call of [
      `ops.limit_connections('howdah_worker', 1)`,
      `ops.set_role_timeouts('howdah_worker', '1s')`,
      `ops.end_idle_sessions('howdah_worker', 0)`,
      `ops.cancel_long_queries(0)`,
      `extensions.limit_role('howdah_worker', 'connection_limit', '1')`,
    ])
      await expect(db.as(role).query(`select ${call}`)).rejects.toMatchObject({ code: '42501' })
  },
)
