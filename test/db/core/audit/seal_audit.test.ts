/** core.seal_audit: seals while others write, without gaps and without making anybody wait (T-04). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sealAll } from '../../../setup/audit.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

const WRITERS = 8
const ROWS = 1250

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
  await db.owner.query(`
    create table ops.things (id int primary key, writer int not null);
    select core.audit_table('ops.things')`)
})
afterAll(() => db.drop())

test('T-04: eight writers at once, sealed while they write: no gap, no event twice, every seal holds', async () => {
  let isWriting = true
  let seals = 0
  const sealing = (async () => {
    while (isWriting) {
      // Two sealers at once: one of them has nothing to do.
      const answers = await Promise.all(
        [1, 2].map(() => db.as('howdah_worker').query('select from core.seal_audit()')),
      )
      seals += answers.reduce((sum, { rowCount }) => sum + (rowCount ?? 0), 0)
    }
  })()
  let rolledBack = 0
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      const client = await db.owner.connect()
      for (let row = 0; row < ROWS; ) {
        // Transactions of 1 to 20 rows, some of which come to nothing.
        const size = Math.min(1 + ((row * 7 + writer) % 20), ROWS - row)
        const write = async (end: 'commit' | 'rollback') => {
          await client.query('begin')
          await client.query('insert into ops.things select $1 + n, $2 from generate_series(1, $3) n', [
            writer * 100_000 + row,
            writer,
            size,
          ])
          await client.query(end)
        }
        if ((row + writer) % 11 === 0) {
          await write('rollback')
          rolledBack++
        }
        await write('commit')
        row += size
      }
      client.release()
    }),
  )
  isWriting = false
  await sealing
  await sealAll(db)

  const { rows } = await db.owner.query(`
    select
      (select count(*)::int from core.audit_log where relation = 'ops.things') as events,
      (select count(*)::int from core.audit_log) as all_events,
      (select count(*)::int from core.audit_log e where 1 <> (select count(*) from core.audit_seals s
        where e.transaction_id >= s.from_transaction and e.transaction_id < s.until_transaction)) as not_sealed_once,
      (select count(*)::int - count(distinct id)::int from core.audit_log) as duplicates,
      (select sum(event_count)::int from core.audit_seals) as sealed,
      (select count(*)::int from (select first_event, lag(first_event + event_count, 1, 1) over (order by number) as expected
        from core.audit_seals) s where first_event <> expected) as gaps`)
  const [found] = rows
  console.log(
    `T-04: ${found.events} events of ${WRITERS} writers, ${rolledBack} rolled back, ${seals} seals while they wrote`,
  )
  // How many depends on what else runs on the server: a seal waits for the oldest transaction of any database.
  expect(seals).toBeGreaterThan(0)
  expect(rolledBack).toBeGreaterThan(0)
  expect(found).toMatchObject({
    events: WRITERS * ROWS,
    not_sealed_once: 0,
    duplicates: 0,
    gaps: 0,
    sealed: found.all_events,
  })
  expect((await db.owner.query('select * from ops.verify_audit()')).rows[0]).toMatchObject({
    is_ok: true,
    sealed_count: String(found.all_events),
    unsealed_count: '0',
  })
}, 120_000)

test('a transaction that stays open holds back what came after it, and nobody waits', async () => {
  const slow = await db.owner.connect()
  await slow.query('begin')
  await slow.query('insert into ops.things values (900001, 9)')
  await db.owner.query('insert into ops.things values (900002, 9)')
  await db.as('howdah_worker').query('select core.seal_audit()')
  const unsealed = async () => (await db.owner.query('select * from ops.verify_audit()')).rows[0]
  expect(await unsealed()).toMatchObject({ is_ok: true, unsealed_count: '1' })
  await slow.query('commit')
  slow.release()
  await sealAll(db)
  expect(await unsealed()).toMatchObject({ is_ok: true, unsealed_count: '0' })
})

test('says so when the server counts transactions anew (audit_transactions_restarted)', async () => {
  const client = await db.superuser.connect()
  try {
    await client.query('begin; set local session_replication_role = replica')
    await client.query(
      `update core.audit_seals set until_transaction = '9000000000000' where number = (select max(number) from core.audit_seals)`,
    )
    await expect(client.query('select core.seal_audit()')).rejects.toMatchObject({
      message: 'audit_transactions_restarted',
    })
  } finally {
    await client.query('rollback')
    client.release()
  }
})
