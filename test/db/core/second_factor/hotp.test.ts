/** The codes themselves: the RFC's own, and a thousand against an independent implementation. */
import { randomBytes } from 'node:crypto'
import { HOTP, Secret } from 'otpauth'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

/** RFC 6238 appendix B, SHA-1: the seconds since 1970 and the eight digits. */
const VECTORS: [at: number, code: string][] = [
  [59, '94287082'],
  [1111111109, '07081804'],
  [1111111111, '14050471'],
  [1234567890, '89005924'],
  [2000000000, '69279037'],
  [20000000000, '65353130'],
]

test.each(VECTORS)('at %d seconds the RFC says %s', async (at, code) => {
  const { rows } = await db.owner.query('select core.hotp($1, core.totp_step(to_timestamp($2)), 8) as code', [
    Buffer.from('12345678901234567890'),
    at,
  ])
  expect(rows).toEqual([{ code }])
})

test('the first codes of RFC 4226 appendix D', async () => {
  const { rows } = await db.owner.query(
    'select core.hotp($1, n) as code from generate_series(0, 9) as n order by n',
    [Buffer.from('12345678901234567890')],
  )
  expect(rows.map(({ code }) => code)).toEqual(
    '755224 287082 359152 969429 338314 254676 287922 162583 399871 520489'.split(' '),
  )
})

test('a thousand random secrets and counters: the same code, and the same base32, as otpauth', async () => {
  const cases = Array.from({ length: 1000 }, () => ({
    secret: randomBytes(20),
    counter: randomBytes(6).readUIntBE(0, 6),
  }))
  const { rows } = await db.owner.query(
    `select core.hotp(g.secret, g.counter) as code, core.base32(g.secret) as base32
     from unnest($1::bytea[], $2::bigint[]) with ordinality as g (secret, counter, place) order by g.place`,
    [cases.map((c) => c.secret), cases.map((c) => c.counter)],
  )
  const expected = cases.map(({ secret, counter }) => {
    const theirs = new Secret({ buffer: new Uint8Array(secret).buffer })
    return { code: new HOTP({ secret: theirs, digits: 6 }).generate({ counter }), base32: theirs.base32 }
  })
  expect(rows).toEqual(expected)
})
