/** ops.record_audit_recovery: a restore is not "ok" until somebody answers for it in the log (T-12). */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { sealAll } from '../../../setup/audit.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type SealCopy, sealCopies, verifyInPython, verifyInSql } from './verify.ts'

vi.setConfig({ testTimeout: 60_000 })
const GOOD = { is_ok: true, problem: null, seal: null, event: null }

let db: TestDatabase
let file: SealCopy[]
beforeAll(async () => {
  db = await testDatabase()
  await db.owner.query(`create table ops.things (id int primary key); select core.audit_table('ops.things')`)
  for (let batch = 1; batch < 7; batch++) await write(batch)
  file = await sealCopies(db.owner)
  await restored(file.length - 2)
})
afterAll(() => db.drop())

async function write(batch: number): Promise<void> {
  await db.owner.query('insert into ops.things select $1 * 100 + n from generate_series(1, 10) n', [batch])
  await sealAll(db)
}

/** What a restore leaves: the log as it was when this seal was the newest. */
async function restored(seal: number): Promise<void> {
  const client = await db.superuser.connect()
  try {
    await client.query('begin; set local session_replication_role = replica')
    await client.query(
      `delete from core.audit_log where transaction_id >= (select until_transaction from core.audit_seals where number = ${seal});
       delete from core.audit_seals where number > ${seal}`,
    )
    await client.query('commit')
  } finally {
    client.release()
  }
}
const record = (exported: SealCopy[], reason: string) =>
  db.owner.query('select ops.record_audit_recovery($1, $2)::int as n', [JSON.stringify(exported), reason])

test('says that the log is shorter than the copy, before and after it grows again (seal_missing, seal_differs_from_export)', async () => {
  const missing = { is_ok: false, problem: 'seal_missing', seal: file.length - 1 }
  expect(await verifyInSql(db.owner, file)).toMatchObject(missing)
  expect(await verifyInPython(db, file)).toMatchObject(missing)
  await write(10)
  const differs = { is_ok: false, problem: 'seal_differs_from_export', seal: file.length - 1 }
  expect(await verifyInSql(db.owner, file)).toMatchObject(differs)
  expect(await verifyInPython(db, file)).toMatchObject(differs)
})

test('asks for a reason (audit_reason_missing)', async () => {
  await expect(record(file, ' ')).rejects.toMatchObject({ message: 'audit_reason_missing' })
})

test('excuses exactly the lines that are named, for both verifiers, and says how many', async () => {
  expect((await record(file, 'Disk lost; backup of 03:00 restored, decided by Grace.')).rows[0].n).toBe(2)
  expect((await record(file, 'Once more.')).rows[0].n, 'safe to repeat').toBe(0)
  expect(await verifyInSql(db.owner, file)).toEqual(GOOD)
  expect(await verifyInPython(db, file)).toMatchObject(GOOD)
  await write(11)
  const now = [...file, ...(await sealCopies(db.owner)).slice(file.length - 2)]
  expect(await verifyInSql(db.owner, now)).toEqual(GOOD)
  expect(await verifyInPython(db, now)).toMatchObject(GOOD)
  expect(await verifyInPython(db, now, undefined, file.length - 2)).toMatchObject(GOOD)
  const { rows } = await db.owner.query('select lost_seal_count::int as n from ops.verify_audit()')
  expect(rows[0].n).toBe(2)
  const other = [...now, { seal: file.length, hash: 'ab'.repeat(32) }]
  expect(await verifyInSql(db.owner, other)).toMatchObject({ problem: 'seal_differs_from_export' })
  expect(await verifyInPython(db, other)).toMatchObject({ problem: 'seal_differs_from_export' })
})

test('the copy goes on after the last seal that both have', async () => {
  const place = async (line: SealCopy) =>
    (
      await db
        .as('howdah_worker')
        .query('select core.find_copied_seal($1, $2)::int as n', [line.seal, line.hash])
    ).rows[0].n
  const last = file.at(-1)
  const common = file.at(-3)
  if (!last || !common) throw new Error('too few seals')
  expect(await place(last)).toBe(file.length - 2)
  expect(await place(common)).toBe(common.seal)
  expect(await place({ ...last, hash: 'ab'.repeat(32) })).toBeNull()
})
