/** C9: people and tools log in as each role and try everything: what the declared classes allow, and what they do not. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { connectionUrl } from '../../../stack/connection-url.ts'
import { endPersonLogin, personLogin, READING_ROLES } from '../../../stack/db/person-login.ts'
import { adminUrlFor } from '../../../stack/provision/target.ts'
import { testApi } from '../../setup/api.ts'
import { testDatabase } from '../../setup/database.ts'
import { signUp } from '../../setup/story.ts'

const db = await testDatabase()
const logins = new Map<string, { name: string; url: string; client: pg.Client }>()

beforeAll(async () => {
  await signUp(await testApi(db))
  for (const role of READING_ROLES) {
    const name = `person_${randomBytes(4).toString('hex')}`
    const password = await personLogin(db.target, name, role)
    const url = connectionUrl(adminUrlFor(db.target, db.name), { user: name, password })
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    logins.set(role, { name, url, client })
  }
})
afterAll(async () => {
  for (const { client } of logins.values()) await client.end()
  for (const { name } of logins.values()) await db.superuser.query(`drop role ${pg.escapeIdentifier(name)}`)
  await db.drop()
})

const as = (role: string): pg.Client => {
  const login = logins.get(role)
  if (!login) throw new Error(`nobody logged in with ${role}`)
  return login.client
}
/** The SQLSTATE a statement ends with; undefined when it succeeds. Undone. */
async function outcome(client: pg.Client, sql: string): Promise<string | undefined> {
  await client.query('begin read write')
  try {
    await client.query(sql)
    return undefined
  } catch (error) {
    return (error as pg.DatabaseError).code
  } finally {
    await client.query('rollback')
  }
}

type Column = { schema: string; table: string; column: string; class: string | null; leaf: boolean }
async function everyColumn(): Promise<Column[]> {
  const { rows } = await db.superuser.query<Column>(`
    select n.nspname as schema, c.relname as table, a.attname as column, p.class, c.relispartition as leaf
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    left join gdpr.column_policies p on (p.schema_name, p.table_name, p.column_name) = (n.nspname, c.relname, a.attname)
    where n.nspname in ('core', 'briefing', 'private', 'ops', 'gdpr', 'graphile_worker', 'graphile_migrate')
      and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped order by 1, 2, a.attnum`)
  return rows
}

const MAY: Record<string, (column: Column) => boolean> = {
  howdah_analytics: (c) => !c.leaf && c.class === 'none' && !['private', 'gdpr', 'ops'].includes(c.schema),
  howdah_readonly: (c) => !c.leaf && (c.class === 'none' || c.class === 'personal') && c.schema !== 'private',
  howdah_monitoring: () => false,
  howdah_backup: () => true,
}

describe.each(Object.entries(MAY))('%s', (role, may) => {
  it('reads each column it may, and is refused each other', async () => {
    const counts = { allowed: 0, forbidden: 0 }
    const wrong: string[] = []
    for (const column of await everyColumn()) {
      const path = `${pg.escapeIdentifier(column.schema)}.${pg.escapeIdentifier(column.table)}`
      const code = await outcome(
        as(role),
        `select ${pg.escapeIdentifier(column.column)} from ${path} limit 1`,
      )
      counts[may(column) ? 'allowed' : 'forbidden']++
      if (code !== (may(column) ? undefined : '42501'))
        wrong.push(`${path}.${column.column}: ${code ?? 'was read'}`)
    }
    console.log(`${role}: ${counts.allowed} columns read, ${counts.forbidden} refused`)
    expect(wrong).toEqual([])
  })

  it('writes nowhere, calls nothing that changes, becomes nobody', async () => {
    const { rows } = await db.superuser.query<{ path: string }>(`
      select format('%I.%I', n.nspname, c.relname) as path from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('api', 'core', 'briefing', 'private', 'ops', 'gdpr', 'graphile_worker') and c.relkind in ('r', 'p', 'v')`)
    const attempts = [
      ...rows.flatMap(({ path }) => [
        `delete from ${path}`,
        `truncate ${path}`,
        `insert into ${path} default values`,
      ]),
      'create table public.seed (id int)',
      'create temporary table seed (id int)',
      'create schema seed',
      `select ops.set_setting('app_name', '"x"')`,
      `select private.secret('jwt_secret')`,
      `select core.postgrest_settings()`,
      `select ops.act_as('a@example.com')`,
      'set local role howdah_user',
      'set local role howdah_migrations',
      'set local session authorization howdah_admin',
      `copy core.users to program 'true'`,
      `select pg_read_file('/etc/passwd')`,
    ]
    const passed: string[] = []
    for (const sql of attempts) if ((await outcome(as(role), sql)) === undefined) passed.push(sql)
    console.log(`${role}: ${attempts.length} writes and calls refused`)
    expect(passed).toEqual([])
  })

  it('has the limits of its role', async () => {
    const { rows } = await db.superuser.query<{ name: string; value: string }>(
      `select split_part(s, '=', 1) as name, split_part(s, '=', 2) as value from pg_roles, unnest(rolconfig) s where rolname = $1`,
      [role],
    )
    expect(rows.length).toBeGreaterThanOrEqual(3)
    for (const { name, value } of rows.filter((row) => row.name.endsWith('_timeout'))) {
      const shown = await as(role).query('select current_setting($1)::interval = $2::interval as is_same', [
        name,
        value,
      ])
      expect([name, shown.rows[0].is_same]).toEqual([name, true])
    }
  })
})

test('a reader sees everybody’s rows, an analyst none of their names', async () => {
  const { rows } = await as('howdah_readonly').query('select email from core.users')
  expect(rows.length).toBe(1)
  const counted = await as('howdah_analytics').query(
    `select count(*)::int as n from core.users where status = 'active'`,
  )
  expect(counted.rows[0].n).toBe(1)
  const settings = await as('howdah_readonly').query(`select value from settings where name = 'app_name'`)
  expect(settings.rows).toEqual([{ value: 'Howdah' }])
})

test('monitoring sees every session’s state and no table', async () => {
  const { rows } = await as('howdah_monitoring').query(
    `select count(*) filter (where state is null and backend_type = 'client backend')::int as hidden, count(*)::int as all
     from pg_stat_activity`,
  )
  expect(rows[0].all).toBeGreaterThan(3)
  expect(rows[0].hidden).toBe(0)
})

test('a backup copies every row of every table and may make a physical copy', async () => {
  const { rows: tables } = await db.superuser.query<{ path: string }>(`
    select format('%I.%I', n.nspname, c.relname) as path from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`)
  const backup = as('howdah_backup')
  await backup.query('set row_security = off')
  let rowCount = 0
  for (const { path } of tables) {
    const count = `select count(*)::int as n from ${path}`
    const [copied, there] = [await backup.query(count), await db.superuser.query(count)]
    expect([path, copied.rows[0].n]).toEqual([path, there.rows[0].n])
    rowCount += copied.rows[0].n
  }
  console.log(`backup: ${rowCount} rows of ${tables.length} tables`)
  // The tests' server keeps no WAL to send; what counts for a physical copy are these.
  const { rows } = await backup.query(`
    select r.rolreplication as replicates,
      has_function_privilege('pg_backup_start(text, boolean)', 'execute')
        and has_function_privilege('pg_backup_stop(boolean)', 'execute') as "isCalled"
    from pg_roles r where r.rolname = current_user`)
  expect(rows).toEqual([{ replicates: true, isCalled: true }])
})

test('a login is only made with a name and a role that fit', async () => {
  await expect(personLogin(db.target, 'howdah_ada', 'howdah_readonly')).rejects.toThrow(/cannot be a login/)
  await expect(personLogin(db.target, 'ada', 'howdah_migrations')).rejects.toThrow(
    /no role for people and tools/,
  )
  const { name } = logins.get('howdah_readonly') ?? { name: '' }
  await expect(personLogin(db.target, name, 'howdah_backup')).rejects.toThrow(/already/)
})

test('a login ends with its connections; roles of ours do not', async () => {
  const name = `leaver_${randomBytes(4).toString('hex')}`
  const password = await personLogin(db.target, name, 'howdah_readonly')
  const url = connectionUrl(adminUrlFor(db.target, db.name), { user: name, password })
  const client = new pg.Client({ connectionString: url })
  // The server's word comes first; that the socket is gone is said after it.
  const ended = new Promise((resolve) => client.on('error', resolve))
  await client.connect()
  await endPersonLogin(db.target, name)
  expect(await ended).toMatchObject({ code: '57P01' })
  await client.end().catch(() => undefined)
  const { rowCount } = await db.superuser.query('select from pg_roles where rolname = $1', [name])
  expect(rowCount).toBe(0)
  for (const other of [name, 'howdah_readonly', 'howdah_worker', 'postgres']) {
    await expect(endPersonLogin(db.target, other)).rejects.toThrow(/There is no login/)
  }
})
