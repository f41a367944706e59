/** Verification that goes on from a seal which was verified before. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { sealAll } from '../../../setup/audit.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { drawFrom } from './draw.ts'
import { forged } from './forged.ts'
import { pick } from './tampering.ts'
import { type SealCopy, sealCopies, verifyInPython, verifyInSql } from './verify.ts'

vi.setConfig({ testTimeout: 60_000 })
const GOOD = { is_ok: true, problem: null, seal: null, event: null }

let db: TestDatabase
let copies: SealCopy[]
beforeAll(async () => {
  db = await testDatabase()
  await db.owner.query(`create table ops.things (id int primary key); select core.audit_table('ops.things')`)
  for (let batch = 0; batch < 8; batch++) {
    await db.owner.query('insert into ops.things select $1 * 100 + n from generate_series(1, 40) n', [batch])
    await sealAll(db)
  }
  copies = await sealCopies(db.owner)
})
afterAll(() => db.drop())

test('reads only what came later, in SQL and in Python', async () => {
  const from = copies.length - 3
  expect(await verifyInSql(db.owner, copies, from)).toEqual(GOOD)
  const { rows } = await db.owner.query('select seal_count, sealed_count from ops.verify_audit($1, $2)', [
    JSON.stringify(copies[from - 1]),
    from,
  ])
  expect(rows[0].seal_count).toBe('3')
  expect(Number(rows[0].sealed_count)).toBeLessThan(200)
  let lines = 0
  const counted = (dumped: string[]) => {
    lines = dumped.length
    return dumped
  }
  expect(await verifyInPython(db, copies, counted, from)).toMatchObject(GOOD)
  // Four seals and what the last three cover.
  expect(lines).toBe(4 + Number(rows[0].sealed_count))
})

test('finds what was forged later, and trusts that the rest was verified before', async () => {
  const draw = drawFrom(7)
  const from = copies.length - 3
  for (const [where, problem] of [
    [`s.number > ${from}`, 'event_removed'],
    [`s.number <= ${from}`, null],
  ] as const) {
    await forged(
      db,
      async (client) => {
        const { id, seal } = await pick(client, draw, where)
        await client.query('delete from core.audit_log where id = $1', [id])
        return { seals: [seal], events: [] }
      },
      async (client) => expect(await verifyInSql(client, copies, from)).toMatchObject({ problem }),
    )
  }
  const forgedCopy = copies.with(from - 1, { seal: from, hash: 'ab'.repeat(32) })
  const differs = { is_ok: false, problem: 'seal_differs_from_export', seal: from }
  expect(await verifyInSql(db.owner, forgedCopy, from)).toMatchObject(differs)
  expect(await verifyInPython(db, forgedCopy, undefined, from)).toMatchObject(differs)
  const beyond = copies.length + 5
  const more = [...copies, { seal: beyond, hash: 'ab'.repeat(32) }]
  const missing = { is_ok: false, problem: 'seal_missing', seal: beyond }
  expect(await verifyInSql(db.owner, more, beyond)).toMatchObject(missing)
  expect(await verifyInPython(db, more, undefined, beyond)).toMatchObject(missing)
})

test('refuses to go on from a seal whose copy is not passed along (audit_seal_unknown)', async () => {
  await expect(verifyInSql(db.owner, copies.at(-1), 2)).rejects.toMatchObject({
    message: 'audit_seal_unknown',
  })
  await expect(verifyInSql(db.owner, undefined, 2)).rejects.toMatchObject({ message: 'audit_seal_unknown' })
})
