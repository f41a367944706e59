/** A PATCH or DELETE without a filter reaches every row the caller may see, so it is refused on every table. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { signUp } from '../../setup/story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

/** Every view of the API through which a web role may change or delete rows, with a column it may change. */
async function writable(): Promise<{ view: string; column: string | null; deletable: boolean }[]> {
  const { rows } = await db.owner.query(`
    select c.relname as view,
      has_table_privilege('howdah_user', c.oid, 'delete') as deletable,
      (select a.attname from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
         and has_column_privilege('howdah_user', c.oid, a.attnum, 'update') order by a.attnum limit 1) as column
    from pg_class c where c.relnamespace = 'api'::regnamespace and c.relkind = 'v'`)
  return rows.filter((row) => row.deletable || row.column !== null)
}

test('refuses PATCH and DELETE without a filter on every writable view (write_without_filter)', async () => {
  const { token } = await signUp(api)
  const views = await writable()
  expect(views.length).toBeGreaterThan(0)
  for (const { view, column, deletable } of views) {
    const attempts = [
      ...(column ? [api.request('PATCH', `/${view}`, { token, body: { [column]: null } })] : []),
      ...(column
        ? [api.request('PATCH', `/${view}?select=${column}`, { token, body: { [column]: null } })]
        : []),
      ...(deletable ? [api.request('DELETE', `/${view}`, { token })] : []),
    ]
    for (const answer of await Promise.all(attempts)) {
      expect([view, answer.status, answer.body.message]).toEqual([view, 400, 'write_without_filter'])
    }
  }
})

test('lets the same writes through with a filter, whatever stands in their values', async () => {
  const { token } = await signUp(api)
  for (const { view, column, deletable } of await writable()) {
    const key = column ?? 'id'
    if (column) {
      const answer = await api.request('PATCH', `/${view}?${key}=is.null&${key}=eq.{}`, {
        token,
        body: { [column]: '{}' },
      })
      expect(answer.body?.message, view).not.toBe('write_without_filter')
    }
    if (deletable) {
      const answer = await api.request('DELETE', `/${view}?id=eq.01890000-0000-7000-8000-000000000000`, {
        token,
      })
      expect([view, answer.status]).toEqual([view, 204])
    }
  }
})

test('is not fooled by a value that says WHERE', async () => {
  const { token } = await signUp(api)
  const answer = await api.request('PATCH', '/saved_cards', {
    token,
    body: { note: ' WHERE true RETURNING ' },
  })
  expect([answer.status, answer.body.message]).toEqual([400, 'write_without_filter'])
})

/** What looks like a filter in the statement and chooses no row of the write. */
const NO_FILTERS = [
  'limit=1000&order=id',
  'limit=1000&order=id&offset=0',
  'select=id,owner:users(id)&owner.id=eq.01890000-0000-7000-8000-000000000000',
  'select=id,users(id)&users.or=(id.is.null,email.eq.x)&columns=note',
  'select=a WHERE b:id',
  'select=id,x:card->"a WHERE b"',
  'columns=note&limit=5&order=id',
]

test.each(NO_FILTERS)('is not fooled by %s', async (query) => {
  const { token } = await signUp(api)
  const headers = { prefer: 'return=representation' }
  const answers = [
    await api.request('PATCH', `/saved_cards?${query}`, { token, body: { note: 'x' }, headers }),
    await api.request('DELETE', `/saved_cards?${query}`, { token, headers }),
    await api.request('DELETE', `/saved_cards?${query}`, { token }),
  ]
  for (const answer of answers) {
    // Some are refused by PostgREST itself; none may pass.
    expect([query, answer.status]).toEqual([query, 400])
  }
  const plain = await api.request('PATCH', `/saved_cards?${query}`, { token, body: { note: 'x' } })
  expect([query, plain.status]).toEqual([query, 400])
})

test('lets a filter with a limit, an embed or an odd alias through', async () => {
  const { token } = await signUp(api)
  const headers = { prefer: 'return=representation' }
  const filter = 'id=eq.01890000-0000-7000-8000-000000000000'
  for (const rest of ['limit=1&order=id', 'select=id,users(id)', 'select=a RETURNING b:id']) {
    const query = `/saved_cards?${filter}&${rest}`
    const changed = await api.request('PATCH', query, { token, body: { note: 'x' }, headers })
    const deleted = await api.request('DELETE', query, { token, headers })
    expect([rest, changed.status, changed.body, deleted.status]).toEqual([rest, 200, [], 200])
  }
})
