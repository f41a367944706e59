/** ops.row_as_of: what the log says about the past is what the past was (T-02). */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'

const EDITS = 1000
const KEYS = 12
const POINTS = 10

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
  await db.owner.query(`
    create table ops.things (id int, part text, name text, size numeric, share float8, at timestamptz, tags text[], data jsonb,
      bytes bytea, span interval, size_twice numeric generated always as (size * 2) stored, primary key (id, part));
    -- Written before anybody looked.
    insert into ops.things (id, part, name) select n, 'old', 'unseen ' || n from generate_series(1, ${KEYS}) n;
    select core.audit_table('ops.things')`)
})
afterAll(() => db.drop())

const random = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T
const VALUES: Record<string, readonly string[]> = {
  name: [`'a'`, `''`, 'null', `e'two\\nlines'`, `'ü💥'`, `'[secret]'`],
  size: ['1', '1.0', '1.00', 'null', '-0.1', `'NaN'`, '1e40'],
  share: ['0.1::float8 + 0.2', `'infinity'`, 'null', `'-0'::float8`, '1e-300'],
  at: ['clock_timestamp()', 'null', `'infinity'`, `'0044-03-15 BC'`],
  tags: [`'{}'`, 'null', `'{a,"b c",null}'`],
  data: [`'null'`, 'null', `'{"b": 1.0, "a": [1, {}]}'`, `'"x"'`],
  bytes: [`'\\x00ff'`, 'null', `''`],
  span: [`'1 year 2 days 03:04:05.6'`, 'null'],
}
const COLUMNS = Object.keys(VALUES)

function edit(): string {
  const key = `id = ${1 + Math.floor(Math.random() * KEYS)} and part = '${random(['old', 'new'])}'`
  const [id, part] = [/id = (\d+)/.exec(key)?.[1], /'(\w+)'/.exec(key)?.[1]]
  const columns = COLUMNS.filter(() => Math.random() < 0.4)
  const chance = Math.random()
  if (chance < 0.15) return `delete from ops.things where ${key}`
  if (chance < 0.45 || columns.length === 0) {
    return `insert into ops.things (id, part, name) values (${id}, '${part}', ${random(VALUES['name'] ?? [])})
      on conflict (id, part) do update set size = ${random(VALUES['size'] ?? [])}`
  }
  return `update ops.things set ${columns.map((column) => `${column} = ${random(VALUES[column] ?? [])}`).join(', ')} where ${key}`
}

/** As the trigger sees rows, whatever the session. */
const STATE = `select coalesce(jsonb_object_agg(id || part, to_jsonb(t)), '{}')::text as state from ops.things t`

test('T-02: a thousand random edits, rebuilt at ten moments without a difference', async () => {
  const client = await db.owner.connect()
  await client.query(`set timezone = 'UTC'; set intervalstyle = 'iso_8601'`)
  const moments: { at: string; state: string }[] = []
  for (let n = 0; n < EDITS; n++) {
    if (n % (EDITS / POINTS) === 0) {
      const { rows } = await client.query(`${STATE}`)
      await sleep(2)
      const { rows: clock } = await client.query('select clock_timestamp()::text as at')
      moments.push({ at: clock[0].at, state: rows[0].state })
      await sleep(2)
    }
    await client.query(edit())
  }
  expect(moments).toHaveLength(POINTS)
  let compared = 0
  for (const { at, state } of moments) {
    const { rows } = await client.query(
      `select coalesce(jsonb_object_agg(k.id || k.part, r.image) filter (where r.image is not null), '{}')::text as state
       from (select id, part from generate_series(1, ${KEYS}) id, unnest(array['old', 'new']) part) k,
         lateral (select ops.row_as_of('ops.things', jsonb_build_object('part', k.part, 'id', k.id), $1) as image) r`,
      [at],
    )
    expect(rows[0].state).toBe(state)
    compared += Object.keys(JSON.parse(state)).length
  }
  client.release()
  const { rows } = await db.owner.query(
    `select count(*)::int as n from core.audit_log where relation = 'ops.things'`,
  )
  console.log(`T-02: ${EDITS} edits, ${rows[0].n} events, ${compared} rows compared at ${POINTS} moments`)
  expect(compared).toBeGreaterThan(60)
})

test('knows that a TRUNCATE emptied the table, and what was there before', async () => {
  await db.owner.query(`insert into ops.things (id, part, name) values (500, 'new', 'here')`)
  const { rows } = await db.owner.query('select clock_timestamp()::text as at')
  await db.owner.query('truncate ops.things')
  const at = async (moment: string) =>
    (
      await db.owner.query(
        `select ops.row_as_of('ops.things', '{"id": 500, "part": "new"}', ${moment}) as image`,
      )
    ).rows[0].image
  expect((await at(`'${rows[0].at}'`)).name).toBe('here')
  expect(await at('clock_timestamp()')).toBeNull()
  await db.owner.query(`insert into ops.things (id, part, name) values (500, 'new', 'again')`)
  expect((await at('clock_timestamp()')).name).toBe('again')
})

test('shows no secret, refuses what it cannot know', async () => {
  await db.owner.query(`select private.set_secret('probe', 'sesame')`)
  const { rows } = await db.owner.query(
    `select ops.row_as_of('private.secrets', '{"name": "probe"}', clock_timestamp()) as image`,
  )
  expect(rows[0].image).toMatchObject({ name: 'probe', value: '[secret]' })
  await expect(db.owner.query(`select ops.row_as_of('private.attempts', '{}', now())`)).rejects.toMatchObject(
    {
      code: 'PT404',
      message: 'table_not_audited',
    },
  )
  await db.superuser.query(`alter table ops.things disable trigger _900_audit_row; insert into ops.things (id, part) values (600, 'x');
    alter table ops.things enable trigger _900_audit_row; truncate ops.things`)
  await expect(
    db.owner.query(`select ops.row_as_of('ops.things', '{"id": 600, "part": "x"}', '2000-01-01')`),
  ).rejects.toMatchObject({
    message: 'audit_history_incomplete',
  })
})

test('says when what it would need was erased (audit_payload_gone)', async () => {
  const { rows } = await db.owner.query(
    `insert into core.users (email) values ('gone@example.com') returning id`,
  )
  const key = { id: rows[0].id }
  await db.owner.query('select core.blank_audit_payload(array(select core.audit_events_about($1)))', [key.id])
  await expect(db.owner.query(`select ops.row_as_of('core.users', $1, now())`, [key])).rejects.toMatchObject({
    code: 'PT410',
    message: 'audit_payload_gone',
  })
})
