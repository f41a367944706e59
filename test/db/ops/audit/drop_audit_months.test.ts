/** ops.drop_audit_months: the log forgets whole months, and what is left verifies from there (T-10). */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { sealAll } from '../../../setup/audit.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { datedBack, forged } from './forged.ts'
import { type SealCopy, sealCopies, verifyInPython, verifyInSql } from './verify.ts'

vi.setConfig({ testTimeout: 60_000 })
const GOOD = { is_ok: true, problem: null, seal: null, event: null }

let db: TestDatabase
let copies: SealCopy[]
beforeAll(async () => {
  db = await testDatabase()
  await db.owner.query(`create table ops.things (id int primary key); select core.audit_table('ops.things')`)
  await write(1)
  await datedBack(db, '35 days')
  // The first seal covers the end of one month and the beginning of the next.
  for (let batch = 2; batch < 6; batch++) {
    await write(batch)
    await sealAll(db)
  }
  copies = await sealCopies(db.owner)
})
afterAll(() => db.drop())

const write = (batch: number) =>
  db.owner.query('insert into ops.things select $1 * 100 + n from generate_series(1, 30) n', [batch])
const drop = (exported: SealCopy | SealCopy[] | null, before: string | null = null) =>
  db.owner.query('select ops.drop_audit_months($1, $2) as months', [JSON.stringify(exported), before])
const months = async () =>
  (
    await db.owner.query(
      'select count(distinct tableoid)::int as n, count(*)::int as events from core.audit_log',
    )
  ).rows[0]

test('keeps what is not past retention, and refuses to drop it (audit_month_kept)', async () => {
  const before = await months()
  expect(before.n).toBe(2)
  expect((await drop(copies)).rows[0].months).toBe(0)
  await expect(drop(copies, 'tomorrow')).rejects.toMatchObject({ message: 'audit_month_kept' })
  expect(await months()).toEqual(before)
})

test('refuses what the copy outside does not know (audit_month_not_exported), and what was forged (audit_not_intact)', async () => {
  await setClock(db, '84 months')
  await expect(drop(null)).rejects.toMatchObject({ message: 'audit_month_not_exported' })
  await expect(drop({ seal: 1, hash: 'ab'.repeat(32) })).rejects.toMatchObject({
    message: 'audit_not_intact',
  })
  await forged(
    db,
    async (client) => {
      await client.query(
        `set local howdah.clock_offset = '84 months'; delete from core.audit_log where id = (select min(id) from core.audit_log)`,
      )
      return { seals: [1], events: [] }
    },
    async (client) => {
      await expect(
        client.query('select ops.drop_audit_months($1)', [JSON.stringify(copies)]),
      ).rejects.toMatchObject({ message: 'audit_not_intact' })
    },
  )
})

test('drops the month; the rest verifies in SQL and in Python, before the next seal and after it', async () => {
  const before = await months()
  expect((await drop(copies.at(-1) ?? null)).rows[0].months).toBe(1)
  const after = await months()
  expect(after.n).toBe(1)
  const { rows } = await db.owner.query(
    `select e.new_values as said, e.acting_role, v.dropped_count::int as dropped from core.audit_log e, ops.verify_audit() v
     where operation = 'audit_months_dropped'`,
  )
  // The event that says so is new.
  expect(rows).toEqual([
    expect.objectContaining({ acting_role: 'howdah_migrations', dropped: before.events - after.events + 1 }),
  ])
  expect(rows[0].said).toMatchObject({ seal: 1, kept_count: 30, dropped_count: rows[0].dropped })
  for (let round = 0; round < 2; round++) {
    expect(await verifyInSql(db.owner, copies)).toEqual(GOOD)
    expect(await verifyInPython(db, copies)).toMatchObject(GOOD)
    expect(await verifyInSql(db.owner, copies, 2)).toEqual(GOOD)
    await write(10 + round)
    await sealAll(db)
    copies = await sealCopies(db.owner)
  }
})

test.each([
  [
    'what is left under the seal that was cut through',
    'delete from core.audit_log where transaction_id < (select until_transaction from core.audit_seals where number = 1) and id % 7 = 0',
    'event_removed',
  ],
  [
    'the first seal whose events are all there',
    'delete from core.audit_log where id = (select max(id) from core.audit_log e join core.audit_seals s on e.transaction_id >= s.from_transaction and e.transaction_id < s.until_transaction where s.number = 2)',
    'event_removed',
  ],
  [
    'the event that says what was dropped',
    `delete from core.audit_log where operation = 'audit_months_dropped'`,
    'event_removed',
  ],
  [
    'what that event says',
    `update core.audit_log set new_values = new_values || '{"kept_count": 29}' where operation = 'audit_months_dropped'`,
    'event_added',
  ],
  [
    'the chain of the seals before',
    `update core.audit_seals set hash = sha256(hash) where number = 1`,
    'seal_changed',
  ],
])('still finds forged: %s', async (_what, sql, problem) => {
  await forged(
    db,
    async (client) => {
      await client.query(sql)
      return { seals: [], events: [] }
    },
    async (client) => expect(await verifyInSql(client, copies)).toMatchObject({ is_ok: false, problem }),
  )
})

test('a beginning that somebody else cut off is no dropped month', async () => {
  await forged(
    db,
    async (client) => {
      await client.query(
        `update core.audit_log set key = null where operation = 'audit_months_dropped'; delete from core.audit_log where id < 60`,
      )
      return { seals: [], events: [] }
    },
    async (client) => expect((await verifyInSql(client, copies)).is_ok).toBe(false),
  )
})
