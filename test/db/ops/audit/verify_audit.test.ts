/** ops.verify_audit and its twin in Python: an intact log is intact for both, whatever the session (T-06 to T-08). */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { testApi } from '../../../setup/api.ts'
import { sealAll } from '../../../setup/audit.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { forged } from './forged.ts'
import type { Attack } from './tampering.ts'
import { type SealCopy, sealCopies, type Verdict, verifyInPython, verifyInSql } from './verify.ts'

// Twenty processes of Python on a machine that does other things as well.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })
const GOOD = { is_ok: true, problem: null, seal: null, event: null }

let db: TestDatabase
let ada: Person
let copies: SealCopy[]
beforeAll(async () => {
  db = await testDatabase()
  const api = await testApi(db)
  await db.owner.query(`
    create table ops.things (id int primary key, name text, size numeric, at timestamptz, data jsonb, share float8, bytes bytea, span interval);
    select core.audit_table('ops.things')`)
  ada = await signUp(api, { display_name: 'Ada Lovelace-Unmistakable' })
  await api.rpc('sign_in', { email: ada.email, password: 'a wrong guess' })
  for (let batch = 0; batch < 6; batch++) {
    for (let n = 0; n < 5; n++) {
      await db.owner.query(
        `insert into ops.things select $1 + n, 'thing ' || n, n * 1.10, now(), '{"b": 1, "a": [1.0, null, "ü💥"]}' from generate_series(1, 10) n`,
        [batch * 1000 + n * 100],
      )
      await db.owner.query(`update ops.things set name = name || '!', size = null where id % 7 = $1`, [n])
    }
    await sealAll(db)
  }
  copies = await sealCopies(db.owner)
  // PostgREST's people are made; the attacks are SQL.
  await api.close()
})
afterAll(() => db.drop())

test('an intact log is intact, in SQL and in Python, with and without the copy of the seals', async () => {
  expect(copies.length).toBeGreaterThan(5)
  expect(await verifyInSql(db.owner)).toEqual(GOOD)
  expect(await verifyInSql(db.owner, copies.at(-1))).toEqual(GOOD)
  expect(await verifyInSql(db.owner, copies)).toEqual(GOOD)
  expect(await verifyInPython(db, copies)).toMatchObject(GOOD)
})

test('T-06: Python says the same of ten good dumps and ten forged ones, fast', async () => {
  const rates: number[] = []
  for (let n = 0; n < 10; n++) {
    const verdict = await verifyInPython(db, copies)
    expect(verdict).toMatchObject(GOOD)
    rates.push(verdict.events_per_second)
  }
  const event = (change: (fields: (string | null)[]) => void) => (lines: string[]) =>
    lines.map((line) => {
      const fields = JSON.parse(line)
      if (fields[0] !== 'event' || fields[1] !== target) return line
      change(fields)
      return JSON.stringify(fields)
    })
  const { rows } = await db.owner.query(
    `select id::text from core.audit_log where relation = 'ops.things' order by id offset 50 limit 1`,
  )
  const target: string = rows[0].id
  const isTarget = (line: string) => line.startsWith('["event"') && JSON.parse(line)[1] === target
  const BAD: [string, (lines: string[]) => string[], SealCopy[]?][] = [
    ['event_changed', event((f) => f.splice(6, 1, 'forged'))],
    ['event_changed', event((f) => f.splice(20, 1, '{}'))],
    ['event_changed', event((f) => f.splice(17, 1, '00'.repeat(16)))],
    ['event_changed', event((f) => f.splice(2, 1, '1'))],
    ['event_changed', event((f) => f.splice(17, 5, null, null, null, null, '1'))],
    ['event_removed', (lines) => lines.filter((line) => !isTarget(line))],
    ['event_added', (lines) => [...lines, ...lines.filter(isTarget)]],
    [
      'seal_removed',
      (lines) => lines.filter((line) => !line.startsWith('["seal", "3"') && !line.startsWith('["seal","3"')),
    ],
    ['seal_missing', (lines) => lines, [...copies, { seal: copies.length + 1, hash: 'ab'.repeat(32) }]],
    ['seal_differs_from_export', (lines) => lines, copies.with(2, { seal: 3, hash: 'ab'.repeat(32) })],
  ]
  expect(BAD).toHaveLength(10)
  for (const [problem, alter, expected] of BAD) {
    expect(await verifyInPython(db, expected ?? copies, alter)).toMatchObject({ is_ok: false, problem })
  }
  console.log(`T-06: Python, ${Math.max(...rates)} events a second in a small dump`)
})

test('T-07: ten sessions with settings of their own verify, and write, the same', async () => {
  const SETTINGS = [
    `timezone = 'Pacific/Chatham'`,
    `timezone = 'America/St_Johns'`,
    `datestyle = 'German'`,
    `datestyle = 'SQL, MDY'`,
    `intervalstyle = 'sql_standard'`,
    'extra_float_digits = -15',
    `bytea_output = 'escape'`,
    `search_path = pg_temp`,
    `lc_monetary = 'C'`,
    'standard_conforming_strings = off',
  ]
  const images = new Set<string>()
  for (const [n, setting] of SETTINGS.entries()) {
    const client = await db.owner.connect()
    try {
      await client.query(`begin; set local ${setting}`)
      const { rows } = await client.query('select is_ok, sealed_count from ops.verify_audit()')
      expect(rows[0].is_ok, setting).toBe(true)
      await client.query(
        `insert into ops.things (id, name, size, at, share, bytes, span) values
           ($1, 'x', 1.0, timestamptz '2026-01-02T03:04:05.678901Z', 0.1::float8 + 0.2, decode('00ff', 'hex'), make_interval(days => 400, hours => 5))`,
        [-1 - n],
      )
      const image = await client.query(
        `select (new_values - 'id' - 'data')::text as text, ops.is_audit_event_intact(e) as fits from core.audit_log e
         where relation = 'ops.things' and key = $1`,
        [{ id: -1 - n }],
      )
      expect(image.rows[0].fits).toBe(true)
      images.add(image.rows[0].text)
    } finally {
      await client.query('rollback')
      client.release(true)
    }
  }
  expect([...images].map((image) => JSON.parse(image))).toEqual([
    {
      at: '2026-01-02T03:04:05.678901+00:00',
      name: 'x',
      size: 1,
      share: 0.30000000000000004,
      bytes: '\\x00ff',
      span: 'P400DT5H',
    },
  ])
})

test('T-07: bytes that move between fields, and 1.0 for 1, change the hash', async () => {
  const { rows } =
    await db.owner.query(`select count(distinct core.audit_payload_hash('\\x00', k, o, n))::int as different, count(*)::int as all
    from (values
      ('"ab"'::jsonb, '"c"'::jsonb, '1'::jsonb), ('"a"', '"bc"', '1'), ('"ab"', '"c"', '1.0'), ('"ab"', null, '"c"'), (null, '"ab"', '"c"'),
      ('"ab"', '"c"', null), ('"ab"', '"c"', 'null'), ('"ab"', '"c"', '"1"'), ('{"a": 1, "b": 2}', null, null), ('{"b": 1, "a": 2}', null, null)) v (k, o, n)`)
  expect(rows[0].different).toBe(rows[0].all)
  const order = await db.owner.query(
    `select core.audit_payload_hash('\\x00', '{"a": 1, "b": 2}', null, null) = core.audit_payload_hash('\\x00', '{"b": 2, "a": 1}', null, null) as same`,
  )
  expect(order.rows[0].same).toBe(true)
})

test('T-08: after an erasure nothing of the person is left, and the log still verifies', async () => {
  const words = [ada.email, 'Unmistakable']
  const left = async () => {
    const { rows } = await db.owner.query(
      `select count(*)::int as n from core.audit_log e where exists (select from unnest($1::text[]) word where strpos(e::text, word) > 0)`,
      [words],
    )
    return rows[0].n
  }
  expect(await left()).toBeGreaterThan(0)
  const { rows } = await db.owner.query(
    `select core.blank_audit_payload(array(select core.audit_events_about($1))) as n`,
    [ada.id],
  )
  expect(Number(rows[0].n)).toBeGreaterThan(4)
  const again = await db.owner.query(
    `select core.blank_audit_payload(array(select core.audit_events_about($1))) as n`,
    [ada.id],
  )
  expect(again.rows[0].n).toBe('0')
  expect(await left()).toBe(0)
  await sealAll(db)
  const after = await sealCopies(db.owner)
  expect(after.slice(0, copies.length)).toEqual(copies)
  const verdicts: Verdict[] = [await verifyInSql(db.owner, after), await verifyInPython(db, after)]
  for (const verdict of verdicts) expect(verdict).toMatchObject(GOOD)
  expect((await db.owner.query('select blanked_count from ops.verify_audit()')).rows[0].blanked_count).toBe(
    rows[0].n,
  )
  // Blanking in secret is a forgery.
  const inSecret: Attack = async (client) => {
    const { rows: one } =
      await client.query(`update core.audit_log set key = null, old_values = null, new_values = null, salt = null,
      blanked_by = (select max(id) from core.audit_log where operation = 'audit_blanked')
      where id = (select min(id) from core.audit_log where relation = 'ops.things') returning id::int`)
    return { seals: [], events: [one[0].id] }
  }
  await forged(db, inSecret, async (client, aim) => {
    expect(await verifyInSql(client, after)).toMatchObject({
      is_ok: false,
      problem: 'event_changed',
      event: aim.events[0],
    })
  })
})
