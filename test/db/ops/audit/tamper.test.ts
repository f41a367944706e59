/**
 * T-05: every forgery of the audit log is found and named, and nothing else is. Sixteen kinds, aimed by a seed; the suite
 * takes a sample, `npm run test:tamper` fifty of each.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { sealAll } from '../../../setup/audit.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { drawFrom } from './draw.ts'
import { datedBack, forged } from './forged.ts'
import { COLUMNS, EVENT_ATTACKS, flip } from './tampering.ts'
import { SEAL_FLIPS, STRUCTURE_ATTACKS } from './tampering-structure.ts'
import { type SealCopy, sealCopies, verifyInSql } from './verify.ts'

const ROUNDS = Number(process.env['HOWDAH_TAMPER_ROUNDS'] ?? 5)
const SEED = 20261120
// Hundreds of verdicts on a machine that does other things as well.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 })
const GOOD = { is_ok: true, problem: null, seal: null, event: null }
const KINDS = { ...EVENT_ATTACKS, ...STRUCTURE_ATTACKS }

let db: TestDatabase
let copies: SealCopy[]
beforeAll(async () => {
  db = await testDatabase()
  await db.owner.query(`
    create table ops.things (id int primary key, name text, user_id uuid);
    select core.audit_table('ops.things')`)
  for (let batch = 0; batch < 30; batch++) {
    for (let n = 0; n < 4; n++) {
      await db.owner.query(
        `insert into ops.things select $1 + n, 'thing ' || n, gen_random_uuid() from generate_series(1, 20) n`,
        [batch * 1000 + n * 100],
      )
    }
    await db.owner.query(`update ops.things set name = name || '!' where id / 1000 = $1 and id % 4 = 1`, [
      batch,
    ])
    // The first third happened last month.
    if (batch === 10) await datedBack(db, '35 days')
    if (batch === 20) await blank(`id % 50 = 7`)
    await sealAll(db)
  }
  copies = await sealCopies(db.owner)
})
afterAll(() => db.drop())

async function blank(where: string): Promise<void> {
  await db.owner.query(
    `select core.blank_audit_payload(array(select id from core.audit_log where relation = 'ops.things' and ${where}))`,
  )
}

let found = 0
let tried = 0
afterAll(() => console.log(`T-05: ${found} of ${tried} forgeries found and named (seed ${SEED})`))

test.each(Object.entries(KINDS))('finds %s', async (kind, attack) => {
  const draw = drawFrom(SEED + Object.keys(KINDS).indexOf(kind))
  for (let round = 0; round < ROUNDS; round++) {
    tried++
    await forged(db, attack(draw, round), async (client, aim) => {
      const verdict = await verifyInSql(client, copies)
      expect(verdict.is_ok, `round ${round}: ${JSON.stringify(aim)}`).toBe(false)
      const isNamed =
        (verdict.event !== null && aim.events.includes(verdict.event)) ||
        (verdict.seal !== null && aim.seals.includes(verdict.seal))
      expect(isNamed, `round ${round}: ${JSON.stringify(verdict)} for ${JSON.stringify(aim)}`).toBe(true)
      found++
    })
  }
})

test('raises no false alarm: untouched, and with payloads blanked as the law demands', async () => {
  const { rows } = await db.owner.query(
    'select count(*)::int as events, count(blanked_by)::int as blank, count(distinct tableoid)::int as months from core.audit_log',
  )
  expect(rows[0].events).toBeGreaterThan(2500)
  expect(rows[0].blank).toBeGreaterThan(10)
  expect(rows[0].months).toBe(2)
  const draw = drawFrom(SEED)
  for (let round = 0; round < ROUNDS; round++) {
    expect(await verifyInSql(db.owner, copies)).toEqual(GOOD)
    await forged(
      db,
      async (client) => {
        await client.query('set local session_replication_role = origin')
        await client.query(
          `select core.blank_audit_payload(array(select id from core.audit_log where id % 97 = $1))`,
          [draw(97)],
        )
        return { seals: [], events: [] }
      },
      async (client) => expect(await verifyInSql(client, copies)).toEqual(GOOD),
    )
  }
})

test('every column of an event counts, without the copy outside', async () => {
  const { rows } = await db.owner.query(
    `select attname as name from pg_attribute where attrelid = 'core.audit_log'::regclass and attnum > 0 and not attisdropped`,
  )
  expect([...COLUMNS].sort()).toEqual(rows.map(({ name }) => name).sort())
  const draw = drawFrom(SEED)
  for (const round of COLUMNS.keys()) {
    const verdict = await forged(db, flip(draw, round), (client) => verifyInSql(client))
    expect(verdict.is_ok, COLUMNS[round]).toBe(false)
  }
})

test('every column of a seal counts, without the copy outside', async () => {
  const { rows } = await db.owner.query(
    `select attname as name from pg_attribute where attrelid = 'core.audit_seals'::regclass and attnum > 0 and not attisdropped`,
  )
  expect(Object.keys(SEAL_FLIPS).sort()).toEqual(rows.map(({ name }) => name).sort())
  for (const [column, value] of Object.entries(SEAL_FLIPS)) {
    const verdict = await forged(
      db,
      async (client) => {
        await client.query(`update core.audit_seals set ${column} = ${value} where number = 3`)
        return { seals: [3, 4, 1003], events: [] }
      },
      (client) => verifyInSql(client),
    )
    expect(verdict.is_ok, column).toBe(false)
    expect([3, 4, 5, 1003]).toContain(verdict.seal)
  }
})

test('without a copy outside, neither a cut end nor a rewritten one can be seen: that is what it is for', async () => {
  for (const kind of ['the end cut off', 'everything rewritten from one event on, seals re-made']) {
    const attack = EVENT_ATTACKS[kind]
    if (!attack) throw new Error(`no attack ${kind}`)
    const verdict = (expected?: SealCopy) =>
      forged(db, attack(drawFrom(SEED), 0), (client) => verifyInSql(client, expected))
    expect((await verdict()).is_ok).toBe(true)
    expect((await verdict(copies.at(-1))).is_ok).toBe(false)
  }
})
