/** T-03: nobody changes the audit log, and where the owner could still pull a guard away, verification says so. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { sealAll } from '../../../setup/audit.ts'
import { type Role, type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
let partition: string
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  await signUp(api)
  await sealAll(db)
  const { rows } = await db.owner.query(`select min(tableoid::regclass::text) as name from core.audit_log`)
  partition = rows[0].name.includes('.') ? rows[0].name : `core.${rows[0].name}`
})
afterAll(() => db.drop())

const ROLES: Role[] = [
  'howdah_anon',
  'howdah_user',
  'howdah_admin',
  'howdah_authenticator',
  'howdah_worker',
  'howdah_analytics',
  'howdah_readonly',
  'howdah_backup',
]
const WRITES = (table: string) => [
  `update ${table} set ${table === 'core.audit_seals' ? 'hash = hash' : `operation = 'x'`}`,
  `delete from ${table}`,
  `truncate ${table}`,
]
const DDL = (table: string) => [
  `alter table ${table} disable trigger all`,
  `alter table ${table} add column x int`,
  `drop table ${table}`,
  `insert into ${table} select * from ${table}`,
]
const tables = () => ['core.audit_log', 'core.audit_seals', partition]

/** Who may look at what around the values; a backup is a copy of everything. */
const READERS: Partial<Record<Role, () => string[]>> = {
  howdah_analytics: () => ['core.audit_seals'],
  howdah_readonly: () => ['core.audit_log', 'core.audit_seals'],
  howdah_backup: tables,
}

test.each(ROLES)('%s cannot change it, and reads no values', async (role) => {
  const mayRead = READERS[role]?.() ?? []
  let tried = 0
  for (const sql of [
    ...tables().flatMap((table) => [
      ...WRITES(table),
      ...DDL(table),
      ...(mayRead.includes(table) ? [] : [`select from ${table}`]),
    ]),
    'set session_replication_role = replica',
    ...(role === 'howdah_backup'
      ? []
      : ['key', 'old_values', 'new_values', 'salt'].map((column) => `select ${column} from core.audit_log`)),
  ]) {
    await expect(db.as(role).query(sql), sql).rejects.toMatchObject({ code: '42501' })
    tried++
  }
  for (const table of mayRead) await db.as(role).query(`select from ${table} limit 1`)
  expect(tried).toBe((role === 'howdah_backup' ? 25 : 29) - mayRead.length)
})

test.each(['owner', 'superuser'] as const)('the %s is refused as well (audit_append_only)', async (who) => {
  for (const sql of tables().flatMap(WRITES)) {
    await expect(db[who].query(sql), sql).rejects.toMatchObject({
      code: 'PT403',
      message: 'audit_append_only',
    })
  }
  const one = `where id = (select min(id) from core.audit_log)`
  for (const set of [
    `new_values = '{}'`,
    'salt = null, key = null, old_values = null, new_values = null, blanked_by = 1',
    'salt = null, key = null, old_values = null, new_values = null, blanked_by = (select max(id) from core.audit_log)',
  ]) {
    await expect(db[who].query(`update core.audit_log set ${set} ${one}`), set).rejects.toMatchObject({
      message: 'audit_append_only',
    })
  }
})

test('the owner cannot go round the triggers by a setting', async () => {
  await expect(db.owner.query('set session_replication_role = replica')).rejects.toMatchObject({
    code: '42501',
  })
})

test.each([
  ['the log', 'alter table core.audit_log disable trigger _000_refuse_change'],
  ['one partition', 'alter table %s disable trigger _000_refuse_change'],
  ['the seals', 'alter table core.audit_seals disable trigger all'],
  ['truncating a partition', 'drop trigger _000_refuse_truncate on %s'],
  ['an audited table', 'alter table core.users disable trigger _900_audit_row'],
])('a guard that was taken from %s is noticed (guard_missing)', async (_what, sql) => {
  // Where no superuser could make the event triggers, the owner can do this; here only a superuser.
  const client = await db.superuser.connect()
  try {
    await client.query('begin')
    expect((await client.query('select * from ops.verify_audit()')).rows[0].problem).toBeNull()
    await client.query(sql.replace('%s', partition))
    expect((await client.query('select * from ops.verify_audit()')).rows[0]).toMatchObject({
      is_ok: false,
      problem: 'guard_missing',
    })
  } finally {
    await client.query('rollback')
    client.release()
  }
})

test('months that come later have every guard', async () => {
  await db.owner.query(`select ops.create_monthly_partitions('core.audit_log', 15)`)
  expect((await db.owner.query('select ops.audit_guards_missing() as n')).rows[0].n).toBe('0')
})
