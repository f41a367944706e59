/** api.sign_up through the real API: what opens an account, and what is refused without a trace. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const password = 'correct horse battery'
const refusals: [string, Record<string, unknown>, number, string][] = [
  ['an address without a domain', { email: 'ada', password }, 400, 'email_invalid'],
  ['no address', { email: null, password }, 400, 'email_invalid'],
  [
    'a password of seven characters',
    { email: 'a@example.com', password: '1234567' },
    400,
    'password_too_short',
  ],
  ['no password', { email: 'a@example.com', password: null }, 400, 'password_too_short'],
  ['73 bytes', { email: 'a@example.com', password: 'x'.repeat(73) }, 400, 'password_too_long'],
  ['19 elephants, 76 bytes', { email: 'a@example.com', password: '🐘'.repeat(19) }, 400, 'password_too_long'],
  ['an unknown zone', { email: 'a@example.com', password, timezone: 'Mars/Base' }, 400, 'timezone_invalid'],
  ['a POSIX rule as zone', { email: 'a@example.com', password, timezone: 'Foo5' }, 400, 'timezone_invalid'],
  ['an odd locale', { email: 'a@example.com', password, locale: 'English' }, 400, 'locale_invalid'],
  [
    'a huge name',
    { email: 'a@example.com', password, display_name: 'x'.repeat(81) },
    400,
    'display_name_invalid',
  ],
]

test.each(refusals)('refuses %s with a key, a sentence and a hint', async (_what, args, status, key) => {
  const before = await db.owner.query('select count(*) from core.users')
  const answer = await api.rpc('sign_up', args)
  expect(answer.status).toBe(status)
  expect(answer.body).toMatchObject({ message: key, code: `PT${status}` })
  expect(answer.body.details.length).toBeGreaterThan(10)
  expect(answer.body.hint.length).toBeGreaterThan(10)
  const after = await db.owner.query('select count(*) from core.users')
  expect(after.rows).toEqual(before.rows)
})

test('refuses an address that differs in ASCII case only (email_taken)', async () => {
  const person = await signUp(api, { email: 'Grace@example.com' })
  const answer = await api.rpc('sign_up', { email: 'grace@EXAMPLE.com', password })
  expect([answer.status, answer.body.message]).toEqual([409, 'email_taken'])
  const { rows } = await db.owner.query('select email from core.users where id = $1', [person.id])
  expect(rows[0].email).toBe('Grace@example.com')
})

test('opens one account for twenty simultaneous calls', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => api.rpc('sign_up', { email: 'race@example.com', password })),
  )
  expect(answers.map((a) => a.status).sort()).toEqual([200, ...Array(19).fill(409)])
})

test('takes passwords exactly as sent: 64 characters, 72 bytes, no folding, no trimming', async () => {
  const passwords = [
    'x'.repeat(64),
    '🐘'.repeat(18),
    ' spaces around ',
    'cafe\u0301 au lait',
    'PassWord Case',
  ]
  for (const given of passwords) {
    const person = await signUp(api, { password: given })
    const right = await api.rpc('sign_in', { email: person.email, password: given })
    expect(right.status).toBe(200)
    for (const near of [given.trim(), given.normalize('NFC'), given.toLowerCase(), `${given}x`].filter(
      (p) => p !== given,
    )) {
      const wrong = await api.rpc('sign_in', { email: person.email, password: near })
      expect([wrong.status, wrong.body.message]).toEqual([401, 'invalid_credentials'])
    }
  }
})

test('keeps the password as bcrypt and nowhere else', async () => {
  const canary = `canary-${'q'.repeat(20)}`
  const person = await signUp(api, { password: canary })
  const { rows } = await db.owner.query('select password_hash from private.passwords where user_id = $1', [
    person.id,
  ])
  expect(rows[0].password_hash).toMatch(/^\$2a\$04\$/)
  const tables = await db.superuser.query(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'm') and n.nspname !~ '^(pg_toast|information_schema)'`,
  )
  expect(tables.rows.length).toBeGreaterThan(30)
  for (const { name } of tables.rows) {
    const found = await db.superuser.query(`select from ${name} as t where t::text like $1 limit 1`, [
      `%${canary}%`,
    ])
    expect(found.rowCount, name).toBe(0)
  }
})

test('hashes at cost 11 unless told otherwise', async () => {
  const { rows } = await db.owner.query(
    `select default_value from core.setting_catalogue() where name = 'password_hash_cost'`,
  )
  expect(rows[0].default_value).toBe(11)
})
