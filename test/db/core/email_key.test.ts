/** core.is_email and core.email_key: two mailboxes that are different never share a key. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

const different: [string, string][] = [
  ['İstanbul@example.com', 'istanbul@example.com'],
  ['Kelvin@example.com', 'kelvin@example.com'.replace('k', '\u212a')],
  ['\u017fam@example.com', 'sam@example.com'],
  ['ada.lovelace@example.com', 'adalovelace@example.com'],
  ['ada+news@example.com', 'ada@example.com'],
  ['jos\u00e9@example.com', 'jose\u0301@example.com'],
  ['\uff41da@example.com', 'ada@example.com'],
  ['\u0430da@example.com', 'ada@example.com'],
  ['straße@example.com', 'strasse@example.com'],
  ['ÄDA@example.com', 'äda@example.com'],
  ['bücher@bücher.example', 'bücher@xn--bcher-kva.example'],
  ['ada@example.com', 'ada@example.org'],
]
const same: [string, string][] = [
  ['Ada@Example.COM', 'ada@example.com'],
  ['ADA+News@example.com', 'ada+news@example.com'],
]
const refused = [
  'ada', '@example.com', 'ada@', 'ada@example', 'ada@@example.com', 'ada@example.com.', '.ada@example.com',
  'ada.@example.com', 'a..da@example.com', '"ada"@example.com', 'ada@[127.0.0.1]', 'ada @example.com',
  'ada@exam ple.com', 'ada\n@example.com', 'ada@example.com\n', 'ada\u0000@example.com'.replace('\u0000', '\u0001'),
  'ada@-example.com', 'ada@example-.com', 'ada@exa_mple.com', 'Ada <ada@example.com>', 'a@b.c,d@e.fg',
  `${'x'.repeat(65)}@example.com`, `ada@${'x'.repeat(64)}.com`, `ada@${'abc.'.repeat(70)}com`, '',
] // biome-ignore format: a corpus

test.each(different)('keeps %s and %s apart', async (one, other) => {
  const { rows } = await db.owner.query(
    'select core.is_email($1) and core.is_email($2) as both_valid, core.email_key($1) = core.email_key($2) as same',
    [one, other],
  )
  expect(rows[0]).toEqual({ both_valid: true, same: false })
})

test.each(same)('takes %s and %s for one mailbox', async (one, other) => {
  const { rows } = await db.owner.query('select core.email_key($1) = core.email_key($2) as same', [
    one,
    other,
  ])
  expect(rows[0].same).toBe(true)
})

test('refuses what is not one mailbox in plain spelling', async () => {
  const { rows } = await db.owner.query(
    'select address from unnest($1::text[]) as address where core.is_email(address)',
    [refused],
  )
  expect(refused.length).toBeGreaterThan(20)
  expect(rows).toEqual([])
})
