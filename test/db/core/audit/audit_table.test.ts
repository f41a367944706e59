/** core.audit_table: one event a row, whatever the way in which it was written, saying who, when, and what changed. */
import { randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  await db.owner.query(`
    create table ops.things (id int primary key, name text, size numeric, workspace_id uuid, token text);
    create table ops.parts (thing_id int references ops.things (id) on delete cascade, number int, primary key (thing_id, number));
    create table ops.readings (read_at timestamptz, place text, value float8, primary key (place, read_at)) partition by range (read_at);
    create table ops.keyless (note text);
    insert into gdpr.column_policies values ('ops', 'things', 'token', 'secret', null, 'exclude', 'delete', null);
    select ops.declare_partitioned_table('ops.readings', 'read_at');
    select core.audit_table('ops.things');
    select core.audit_table('ops.parts');
    select core.audit_table('ops.readings');
    select ops.create_monthly_partitions('ops.readings')`)
})
afterAll(() => db.drop())

/** The events that some SQL caused, in order. Several statements are one transaction. */
async function eventsOf(
  sql: string,
  client: pg.Pool | pg.PoolClient = db.owner,
): Promise<Record<string, unknown>[]> {
  const { rows: before } = await db.owner.query('select coalesce(max(id), 0) as id from core.audit_log')
  await client.query(sql)
  const { rows } = await db.owner.query(
    `select * from core.audit_log where id > $1 and kind = 'data' order by id`,
    [before[0].id],
  )
  return rows
}
const seen = async (sql: string) =>
  (await eventsOf(sql)).map((e) => `${e['operation']} ${e['relation']} ${JSON.stringify(e['key'])}`)

const WAYS: Record<string, [sql: string, expected: string[]]> = {
  insert: [
    `insert into ops.things (id, name) values (1, 'a'), (2, 'b')`,
    ['insert ops.things {"id":1}', 'insert ops.things {"id":2}'],
  ],
  update: [`update ops.things set name = 'c' where id = 1`, ['update ops.things {"id":1}']],
  'an update that changes nothing': [
    'update ops.things set name = name where id = 1',
    ['update ops.things {"id":1}'],
  ],
  'an upsert that inserts': [
    `insert into ops.things (id) values (3) on conflict (id) do update set name = 'x'`,
    ['insert ops.things {"id":3}'],
  ],
  'an upsert that updates': [
    `insert into ops.things (id) values (3) on conflict (id) do update set name = 'x'`,
    ['update ops.things {"id":3}'],
  ],
  'an upsert that does nothing': ['insert into ops.things (id) values (3) on conflict do nothing', []],
  merge: [
    `merge into ops.things t using (values (2, 'm'), (3, null), (4, 'n')) s (id, name) on t.id = s.id
     when matched and s.name is null then delete when matched then update set name = s.name
     when not matched then insert (id, name) values (s.id, s.name)`,
    ['update ops.things {"id":2}', 'delete ops.things {"id":3}', 'insert ops.things {"id":4}'],
  ],
  'a changed key': ['update ops.things set id = 5 where id = 4', ['update ops.things {"id":4}']],
  'a cascade': [
    `insert into ops.parts values (1, 1), (1, 2); delete from ops.things where id = 1`,
    [
      'insert ops.parts {"number":1,"thing_id":1}',
      'insert ops.parts {"number":2,"thing_id":1}',
      'delete ops.things {"id":1}',
      'delete ops.parts {"number":1,"thing_id":1}',
      'delete ops.parts {"number":2,"thing_id":1}',
    ],
  ],
  truncate: ['truncate ops.parts', ['truncate ops.parts null']],
  'truncate with cascade': [
    'truncate ops.things cascade',
    ['truncate ops.things null', 'truncate ops.parts null'],
  ],
}

test.each(Object.entries(WAYS))('T-01: %s', async (_way, [sql, expected]) => {
  expect((await seen(sql)).map((line) => line.replaceAll(' ', '')).sort()).toEqual(
    expected.map((line) => line.replaceAll(' ', '')).sort(),
  )
})

test('T-01: COPY', async () => {
  const rows = Array.from({ length: 500 }, (_, n) => `${n + 1000}\tcopied`).join('\n')
  // COPY from a client needs a protocol the driver lacks; the server's own echo feeds the same code.
  const events = await eventsOf(
    `copy ops.things (id, name) from program $$printf '${rows.replaceAll('\n', '\\n').replaceAll('\t', '\\t')}\\n'$$`,
    db.superuser,
  )
  expect(events.length).toBe(500)
  expect(new Set(events.map((e) => e['operation']))).toEqual(new Set(['insert']))
})

test('T-01: partitions, those made later too, and a row that moves between two', async () => {
  await db.owner.query(`select ops.create_monthly_partitions('ops.readings', 6)`)
  const month = (n: number) => `date_trunc('month', now()) + interval '${n} months 3 days'`
  expect(
    await seen(
      `insert into ops.readings select ${month(0)}, 'attic', 1 union all select ${month(5)}, 'attic', 2`,
    ),
  ).toHaveLength(2)
  const events = await eventsOf(`update ops.readings set value = 3`)
  expect(events.map((e) => `${e['operation']} ${e['relation']}`)).toEqual([
    'update ops.readings',
    'update ops.readings',
  ])
  // Postgres itself makes of such a move a deletion here and an insertion there.
  const moved = await eventsOf(
    `update ops.readings set read_at = ${month(1)} where value = 3 and read_at < ${month(1)}`,
  )
  expect(moved.map((e) => e['operation'])).toEqual(['delete', 'insert'])
  expect(await seen('truncate ops.readings')).toEqual(['truncate ops.readings null'])
  const { rows } = await db.owner.query(
    `select inhrelid::regclass::text as leaf from pg_inherits where inhparent = 'ops.readings'::regclass order by 1 desc limit 1`,
  )
  const [leaf] = await eventsOf(
    `set search_path = pg_catalog; truncate ops.${rows[0].leaf.replace('ops.', '')}; reset search_path`,
  )
  expect([leaf?.['operation'], leaf?.['relation'], leaf?.['new_values']]).toEqual([
    'truncate',
    'ops.readings',
    { partition: `ops.${rows[0].leaf.replace('ops.', '')}` },
  ])
})

test('a table without a primary key is refused (audit_key_missing)', async () => {
  await expect(db.owner.query(`select core.audit_table('ops.keyless')`)).rejects.toMatchObject({
    message: 'audit_key_missing',
  })
})

test('holds only what changed, and never a secret', async () => {
  const workspace = randomUUID()
  const [made, changed, gone] = await eventsOf(`
    insert into ops.things values (7, 'a', 1.0, '${workspace}', 'sesame');
    update ops.things set size = 1, token = 'open' where id = 7;
    delete from ops.things where id = 7`)
  expect(made?.['new_values']).toEqual({
    id: 7,
    name: 'a',
    size: 1,
    workspace_id: workspace,
    token: '[secret]',
  })
  expect(made?.['old_values']).toBeNull()
  // 1.0 and 1 are not the same text.
  expect(changed?.['old_values']).toEqual({ size: 1, token: '[secret]' })
  expect(gone?.['old_values']).toMatchObject({ token: '[secret]', name: 'a' })
  expect([made, changed, gone].map((e) => e?.['tenant_id'])).toEqual([workspace, workspace, workspace])
  const person = await signUp(api, { password: 'a very secret password' })
  const { rows } = await db.owner.query(
    `select string_agg(to_jsonb(e)::text, ' ') as everything from core.audit_log e`,
  )
  const { rows: hashes } = await db.owner.query(
    'select password_hash from private.passwords where user_id = $1',
    [person.id],
  )
  const { rows: secrets } = await db.owner.query('select value from private.secrets')
  for (const word of [
    'sesame',
    'a very secret password',
    hashes[0].password_hash,
    ...secrets.map((s) => s.value),
  ]) {
    expect(rows[0].everything).not.toContain(word)
  }
})

test('T-02: says who, in which session, as what role, on which request, in which transaction, when', async () => {
  const person = await signUp(api)
  await topic()
  const since = (await db.owner.query('select max(id) as id from core.audit_log')).rows[0].id
  const answer = await api.request('POST', '/rpc/follow_topic', {
    token: person.token,
    body: { topic: await topic() },
    headers: { 'x-request-id': 'req-0815' },
  })
  expect(answer.status).toBeLessThan(300)
  const session = JSON.parse(
    await text(new Blob([Buffer.from(person.token.split('.')[1] ?? '', 'base64url')]).stream()),
  ).sid
  const { rows: byApi } = await db.owner.query('select * from core.audit_log where id > $1', [since])
  expect(byApi.length).toBeGreaterThan(0)
  for (const event of byApi) {
    expect(event).toMatchObject({
      actor_user_id: person.id,
      actor_session_id: session,
      subject_id: person.id,
      database_role: 'howdah_authenticator',
      acting_role: 'howdah_user',
      request_id: 'req-0815',
      relation: 'briefing.user_preferences',
      operation: 'update',
    })
    expect(Math.abs(event.occurred_at.getTime() - Date.now())).toBeLessThan(10_000)
  }

  const operator = await db.owner.connect()
  try {
    await operator.query('begin')
    const [event] = await eventsOf(`insert into ops.things (id) values (70)`, operator)
    expect(event, 'others see nothing before the commit').toBeUndefined()
    const { rows } = await operator.query(
      `select *, transaction_id = pg_current_xact_id() as is_mine from core.audit_log where relation = 'ops.things' and key @> '{"id": 70}'`,
    )
    expect(rows[0]).toMatchObject({
      actor_user_id: null,
      database_role: 'howdah_migrations',
      acting_role: 'howdah_migrations',
      is_mine: true,
      request_id: `tx-${rows[0].transaction_id}`,
      job_id: null,
    })
    await operator.query('rollback')
    const { rowCount } = await db.owner.query(
      `select from core.audit_log where relation = 'ops.things' and key @> '{"id": 70}'`,
    )
    expect(rowCount, 'what was rolled back leaves no event').toBe(0)

    await operator.query('select act_as($1)', [person.email])
    await operator.query(`select api.unfollow_topic('${await topic()}')`)
    const { rows: acted } = await db.owner.query('select * from core.audit_log order by id desc limit 1')
    expect(acted[0]).toMatchObject({
      actor_user_id: person.id,
      database_role: 'howdah_migrations',
      acting_role: 'howdah_user',
    })
  } finally {
    operator.release(true)
  }
})

test('T-02: believes a job id from the worker only', async () => {
  const set = `select set_config('howdah.job_id', '4711', false)`
  const call = `select gdpr.clean_up_batch('sessions')`
  const person = await signUp(api)
  const jobs = async (pool: pg.Pool) => {
    await db.owner.query(
      `update core.sessions set created_at = now() - interval '90 days', expires_at = now() - interval '40 days' where user_id = $1`,
      [person.id],
    )
    const client = await pool.connect()
    await client.query(set)
    const events = await eventsOf(call, client)
    client.release(true)
    return events.map((e) => [e['relation'], e['database_role'], e['job_id']])
  }
  expect(await jobs(db.as('howdah_worker'))).toContainEqual(['core.sessions', 'howdah_worker', '4711'])
  const other = await signUp(api)
  person.id = other.id
  expect(await jobs(db.owner)).toContainEqual(['core.sessions', 'howdah_migrations', null])
})

async function topic(): Promise<string> {
  await db.owner.query(
    `insert into briefing.topics (slug, name) values ('audits', 'Audits') on conflict do nothing`,
  )
  return 'audits'
}
