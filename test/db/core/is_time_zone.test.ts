/** core.is_time_zone: IANA names and nothing that Postgres merely puts up with. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

test('takes every zone that Node knows and Postgres has, and every region/city name of Postgres', async () => {
  const { rows } = await db.owner.query(
    `select name from pg_timezone_names
     where (name = any ($1) or name ~ '^[A-Z][A-Za-z]+/' and name !~ '^Etc/') and not core.is_time_zone(name)`,
    [Intl.supportedValuesOf('timeZone')],
  )
  expect(rows).toEqual([])
})

test('refuses abbreviations, offsets, POSIX rules and inventions', async () => {
  const wrong = ['EST', 'CEST', '+02:00', '2', 'Foo5', 'Europe/Berlin5', 'EST5EDT4,M3.2.0,M11.1.0', 'Etc/GMT+15',
    'europe/berlin', 'Europe/Atlantis', 'posix/Europe/Berlin', '../UTC', ' UTC', ''] // biome-ignore format: a corpus
  const { rows } = await db.owner.query(
    'select name from unnest($1::text[]) as name where core.is_time_zone(name)',
    [wrong],
  )
  expect(rows).toEqual([])
})
