/** An export holds everything about the person (G-03) and nothing of anybody else (G-04). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededCast } from '../../../rules/matrix/seeded-cast.ts'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { inviting } from '../../core/tenancy/inviting.ts'
import { createOrganization } from '../../core/tenancy/story.ts'
import { completePerson } from './whole-person.ts'

let db: TestDatabase
let api: TestApi
let ada: Person
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  // Belongs to an organization of somebody else's, and owns none.
  ada = (await seededCast(db, api)).people.get('member-a') as Person
  await completePerson(db, ada)
})
afterAll(() => db.drop())

const exported = async (email: string) =>
  (await db.owner.query('select export_user_data($1) as data', [email])).rows[0].data

test('every column to be included is there, with the value that the table has', async () => {
  const data = await exported(ada.email)
  const { rows } = await db.owner.query(`
    select p.schema_name || '.' || p.table_name as relation, array_agg(p.column_name::text) as columns,
      gdpr.subject_filter(p.schema_name, p.table_name) as filter
    from gdpr.column_policies as p where p.on_export = 'include' group by p.schema_name, p.table_name`)
  let values = 0
  const empty: string[] = []
  for (const { relation, columns, filter } of rows) {
    const held = await db.owner.query(`select to_jsonb(t) as row from ${relation} as t where ${filter}`, [
      ada.id,
    ])
    if (held.rows.length === 0) {
      empty.push(relation)
      continue
    }
    const wanted = held.rows.map(({ row }) =>
      Object.fromEntries(columns.map((name: string) => [name, row[name]])),
    )
    expect(data.tables[relation]).toHaveLength(wanted.length)
    expect(data.tables[relation]).toEqual(expect.arrayContaining(wanted))
    expect(data.row_counts[relation]).toBe(wanted.length)
    values += wanted.length * columns.length
  }
  expect(empty, 'nothing is held there, so nothing is proven').toEqual([])
  console.log(`export: ${rows.length} tables, ${values} values compared`)
  expect(Object.keys(data.tables).sort()).toEqual(rows.map(({ relation }) => relation).sort())
})

test('no word of anybody else, and no secret', async () => {
  const text = JSON.stringify(await exported(ada.email))
  expect(text).toContain('canary-member-a-')
  expect(
    [...new Set(text.match(/(canary|mail|name)-[a-z-]*/g))].filter(
      (word) => !/^[a-z]+-(shared-)?member-a(-|$)/.test(word),
    ),
  ).toEqual([])
  const { rows } = await db.owner.query('select password_hash from private.passwords')
  expect(rows.length).toBeGreaterThan(1)
  for (const { password_hash } of rows) expect(text).not.toContain(password_hash)
  const secret = await db.owner.query(`
    select p.table_name, p.column_name from gdpr.column_policies as p where p.class = 'secret' and p.on_export = 'include'`)
  expect(secret.rows).toEqual([])
})

test('who signed up with another’s address is not told what was sent to it', async () => {
  const acme = await createOrganization(api)
  const email = 'not-mine@example.com'
  await inviting(db, api).invite(acme, email, 'admin')
  const stranger = await signUp(api, { email })
  expect(JSON.stringify(await exported(email))).not.toContain(acme.id)
  await db.owner.query(
    `update core.users set email_verified_at = now(), email_vouched_by = 'https://issuer.example' where id = $1`,
    [stranger.id],
  )
  expect(JSON.stringify(await exported(email))).not.toContain(acme.id)
  await db.owner.query('update core.users set email_vouched_by = null where id = $1', [stranger.id])
  expect(JSON.stringify(await exported(email))).toContain(acme.id)
})

test('is a security event about that person, without what was exported', async () => {
  await exported(ada.email)
  const { rows } = await db.owner.query(
    `select operation, new_values from core.audit_log where kind = 'security' and subject_id = $1 order by id desc limit 1`,
    [ada.id],
  )
  expect(rows[0].operation).toBe('data_exported')
  expect(JSON.stringify(rows[0].new_values)).not.toContain('canary')
})

test('nobody by that address: a clear answer', async () => {
  await expect(exported('nobody@example.com')).rejects.toMatchObject({ message: 'account_not_found' })
})

test('no web role and no worker can ask for it', async () => {
  for (const role of [
    'howdah_anon',
    'howdah_user',
    'howdah_admin',
    'howdah_worker',
    'howdah_readonly',
  ] as const) {
    await expect(db.as(role).query('select gdpr.export_user_data($1)', [ada.email])).rejects.toMatchObject({
      code: '42501',
    })
    await expect(db.as(role).query('select * from gdpr.export_rows($1)', [ada.id])).rejects.toMatchObject({
      code: '42501',
    })
  }
})

test('the inventory names every column about people, and the way from each to its person', async () => {
  const { rows } = await db.owner.query('select * from generate_user_data_inventory()')
  const declared = await db.owner.query(
    `select count(*)::int as n from gdpr.column_policies where class <> 'none'`,
  )
  expect(rows).toHaveLength(declared.rows[0].n)
  expect(rows.filter((row) => row.class !== 'secret' && !row.leads_to_person_by)).toEqual([])
  expect(rows.find((row) => row.relation === 'private.refresh_tokens')?.leads_to_person_by).toBe(
    'session_id in (select id from core.sessions where user_id = the account)',
  )
})
