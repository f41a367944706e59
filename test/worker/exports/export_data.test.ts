/**
 * The file that somebody downloads: everything about them (G-03), nothing of anybody else, no secret and no formula
 * (G-04), as Python reads it, compared with the tables value by value.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { completePerson, fillEmptyColumns } from '../../db/gdpr/export/whole-person.ts'
import { seededCast } from '../../rules/matrix/seeded-cast.ts'
import { type TestApi, testApi } from '../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import type { Person } from '../../setup/story.ts'
import { type Exporting, openExporting } from '../support/exporting.ts'
import { type ReadExport, readExportZip } from '../support/read-export.ts'

/** Empty on purpose: what somebody else vouches for is not proven, and what leads by the address alone would be left out. */
const VOUCHED = 'core.users.email_vouched_by'

const FORMULAS = ['=1+1', '+1', '-1', '@SUM(1)', '\t=1', '\r=1', "'=1", '＝1', 'a "quoted", line\r\nof two']

let db: TestDatabase
let api: TestApi
let exporting: Exporting
let ada: Person
let zip: Buffer
let read: ReadExport
let expected: Map<string, { columns: string[]; rows: Record<string, unknown>[] }>

beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  exporting = openExporting(db, api)
  ada = (await seededCast(db, api)).people.get('member-a') as Person
  await db.owner.query('delete from gdpr.data_exports')
  await completePerson(db, ada)
  await db.owner.query(
    `insert into gdpr.data_exports (user_id, request_id, kind, state, requested_at, finished_at)
     select user_id, id, 'access', 'downloaded', now() - interval '9 days', now() - interval '8 days'
     from gdpr.subject_requests where user_id = $1 limit 1`,
    [ada.id],
  )
  expect(await fillEmptyColumns(db, ada, 'member-a')).toEqual([])
  await db.owner.query('update core.users set deleted_at = null, email_vouched_by = null where id = $1', [
    ada.id,
  ])
  // Her old session has been ended.
  const { body } = await api.rpc('sign_in', { email: ada.email, password: ada.password })
  ada = { ...ada, token: body.access_token, refreshToken: body.refresh_token }
  // A month long ago, in a partition of its own.
  await db.owner.query(
    `create table briefing.briefings_2025_01 partition of briefing.briefings for values from ('2025-01-01') to ('2025-02-01')`,
  )
  await db.owner.query(
    `insert into briefing.briefings (user_id, briefing_date, edition, cards, timezone, generated_at)
     select user_id, '2025-01-15', edition, cards, timezone, '2025-01-15' from briefing.briefings where user_id = $1 limit 1`,
    [ada.id],
  )
  for (const body of FORMULAS)
    await db.owner.query(`select core.notify($1, 'announcement', 'Formula', $2)`, [ada.id, body])
  const id = await exporting.request(ada)
  // Taken out of service, and still there.
  await db.owner.query('update core.users set deleted_at = now() where id = $1', [ada.id])
  expected = await whatTablesHold()
  await exporting.make(id)
  await db.owner.query('update core.users set deleted_at = null where id = $1', [ada.id])
  zip = await exporting.download(ada, id)
  read = await readExportZip(zip)
}, 120_000)
afterAll(async () => {
  await exporting[Symbol.asyncDispose]()
  await db.drop()
})

async function whatTablesHold() {
  const { rows: tables } = await db.owner.query<{ relation: string; columns: string[]; filter: string }>(`
    select p.schema_name || '.' || p.table_name as relation, array_agg(p.column_name::text) as columns,
      gdpr.subject_filter(p.schema_name, p.table_name) as filter
    from gdpr.column_policies as p where p.on_export = 'include' group by p.schema_name, p.table_name`)
  const held = new Map<string, { columns: string[]; rows: Record<string, unknown>[] }>()
  for (const { relation, columns, filter } of tables) {
    const { rows } = await db.owner.query(`select to_jsonb(t) as row from ${relation} as t where ${filter}`, [
      ada.id,
    ])
    held.set(relation, {
      columns,
      rows: rows.map(({ row }) => Object.fromEntries(columns.map((name) => [name, row[name]]))),
    })
  }
  return held
}

/** Notes itself that the export is being made. */
const MOVED = 'gdpr.data_exports'

test('every exported column is there with its value, in JSON and in CSV, and the manifest counts as SQL does', () => {
  const found = new Set<string>()
  let values = 0
  const columnCount = [...expected.values()].reduce((sum, { columns }) => sum + columns.length, 0)
  for (const [name, { columns, rows }] of expected) {
    const file = read.tables[name]
    const listed = read.manifest.tables.find((table) => table.name === name)
    expect([...(listed?.columns ?? [])].sort(), name).toEqual([...columns].sort())
    expect(file?.json.length, name).toBe(listed?.row_count)
    expect(file?.csv.length, name).toBe(listed?.row_count)
    expect(listed?.row_count, name).toBe(rows.length)
    if (name !== MOVED) expect(file?.json, name).toEqual(expect.arrayContaining(rows))
    // JSON and CSV hold the same rows.
    const texts = (file?.json ?? []).map((row) =>
      Object.fromEntries(columns.map((key) => [key, asText(row[key])])),
    )
    expect(file?.csv.map(canonical), name).toEqual(expect.arrayContaining(texts))
    for (const row of file?.json ?? []) {
      for (const key of columns.filter((column) => row[column] !== null)) found.add(`${name}.${key}`)
      values += columns.length
    }
  }
  const missing = [...expected].flatMap(([name, { columns }]) =>
    columns.map((column) => `${name}.${column}`).filter((column) => !found.has(column)),
  )
  console.log(
    `export: ${found.size} of ${columnCount} columns with a value, ${values} values in ${expected.size} tables`,
  )
  expect(missing).toEqual([VOUCHED])
  expect(read.manifest.row_count).toBe(
    read.manifest.tables.reduce((sum, { row_count }) => sum + row_count, 0),
  )
})

const asText = (value: unknown) =>
  value === null ? '' : typeof value === 'object' ? canonicalJson(value) : String(value)
const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
/** Lists and objects in cells may be spaced and ordered otherwise. */
const canonical = (row: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(row).map(([key, cell]) => {
      try {
        const parsed: unknown = JSON.parse(cell)
        return [key, parsed && typeof parsed === 'object' ? canonicalJson(parsed) : cell]
      } catch {
        return [key, cell]
      }
    }),
  )

test('the hashes are right, of each file and of the whole', async () => {
  expect(read.problems).toEqual([])
  expect(read.names).toContain('README.txt')
  const { rows } = await db.owner.query(
    `select encode(sha256, 'hex') as sha256, size_bytes::int, manifest from gdpr.data_exports
     where state = 'downloaded' order by requested_at desc limit 1`,
  )
  expect(rows).toEqual([
    {
      sha256: createHash('sha256').update(zip).digest('hex'),
      size_bytes: zip.length,
      manifest: read.manifest,
    },
  ])
})

test('an old month and an account out of service are in it', () => {
  expect(read.tables['briefing.briefings']?.json.map((row) => row['briefing_date'])).toContain('2025-01-15')
  expect(read.tables['core.users']?.json[0]?.['deleted_at']).not.toBeNull()
})

test('no word of anybody else, and no secret', async () => {
  const foreign = [...new Set(read.text.match(/(canary|mail|name)-[a-z-]*/g))].filter(
    (word) => !/^[a-z]+-(shared-)?member-a(-|$)/.test(word),
  )
  expect(foreign).toEqual([])
  const secrets = await db.owner.query(`
    select password_hash as secret from private.passwords
    union all select encode(token_hash, 'hex') from private.refresh_tokens
    union all select value from private.secrets
    union all select encode(download_hash, 'hex') from gdpr.data_exports where download_hash is not null`)
  expect(secrets.rows.length).toBeGreaterThan(10)
  for (const { secret } of secrets.rows) expect(read.text).not.toContain(secret)
  for (const secret of [ada.token, ada.refreshToken, ada.password]) expect(read.text).not.toContain(secret)
  const names = await db.owner.query(
    `select p.schema_name || '.' || p.table_name as relation, p.column_name as name from gdpr.column_policies as p
     where p.class = 'secret'`,
  )
  for (const { relation, name } of names.rows)
    expect(read.manifest.tables.find((table) => table.name === relation)?.columns ?? []).not.toContain(name)
  console.log(`export: 0 foreign words, 0 of ${secrets.rows.length} secrets`)
})

test('no cell begins a formula, and each can be read back', () => {
  expect(read.dangerous).toBe(0)
  const bodies = read.tables['core.notifications']?.csv.map((row) => row['body'])
  expect(bodies).toEqual(expect.arrayContaining(FORMULAS))
})
