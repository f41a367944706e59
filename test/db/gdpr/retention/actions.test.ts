/** What a policy can ask for beside deleting: overwriting, and a function of its own; and what two turns at once do. */
import { afterAll, beforeEach, expect, test } from 'vitest'
import { testDatabase } from '../../../setup/database.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const clean = async (policy: string, limit: number | null = null) =>
  Number(
    (await db.as('howdah_worker').query('select gdpr.clean_up_batch($1, $2) as gone', [policy, limit]))
      .rows[0].gone,
  )
const visits = async () => (await db.owner.query('select address, path from core.visits order by id')).rows

beforeEach(async () => {
  await db.owner.query(`
    drop table if exists core.visits;
    create table core.visits (id int primary key, visited_at timestamptz not null default now(), address text, path text);
    insert into core.visits
    select i, now() - i * interval '1 day', '192.0.2.' || i, '/page' from generate_series(1, 4) as i`)
})

test('overwrites what is old enough, once', async () => {
  await db.owner.query(`select gdpr.declare_retention_policy('visits', 'core.visits', 'Addresses go after two days.',
    '2 days', 'r.visited_at', assignments => '{"address": "null", "path": "''/'' || left(r.path, 0)"}')`)
  expect(await clean('visits')).toBe(3)
  expect(await clean('visits')).toBe(0)
  const gone = { address: null, path: '/' }
  expect(await visits()).toEqual([{ address: '192.0.2.1', path: '/page' }, gone, gone, gone])
})

test('hands its time and the size of a batch to a function', async () => {
  await db.owner.query(`
    create or replace function core.forget_visits(keep interval, row_limit integer) returns integer language sql
    begin atomic
      with gone as (
        delete from core.visits as v where v.id in (
          select r.id from core.visits as r where r.visited_at < now() - forget_visits.keep limit forget_visits.row_limit)
        returning 1)
      select count(*)::integer from gone;
    end;
    revoke all on function core.forget_visits(interval, integer) from public;
    select gdpr.declare_retention_policy('visits', 'core.visits', 'Visits go by a function.', '30 hours', handler => 'core.forget_visits')`)
  expect(await clean('visits', 2)).toBe(2)
  expect(await clean('visits', 2)).toBe(1)
  expect(await clean('visits', 2)).toBe(0)
  await db.owner.query(`drop function core.forget_visits`)
})

test('waits for nobody: a locked row is left for the next turn, and two turns share the work', async () => {
  await db.owner.query(`
    insert into core.visits select i, now() - interval '9 days', null, '/' from generate_series(5, 3000) as i;
    select gdpr.declare_retention_policy('visits', 'core.visits', 'Visits go after two days.', '2 days', 'r.visited_at')`)
  const busy = await db.owner.connect()
  try {
    await busy.query(`begin; select from core.visits where id = 7 for update`)
    const taken = await Promise.all(Array.from({ length: 6 }, () => clean('visits', 500)))
    expect(taken.reduce((sum, count) => sum + count)).toBe(2998)
    expect(await clean('visits')).toBe(0)
  } finally {
    await busy.query('rollback')
    busy.release()
  }
  expect(await clean('visits')).toBe(1)
  expect(await visits()).toEqual([{ address: '192.0.2.1', path: '/page' }])
})

test('only what is cleaned by rows can be cleaned by rows', async () => {
  for (const policy of ['account', 'audit_log', 'seed'])
    await expect(clean(policy)).rejects.toMatchObject({ message: 'retention_policy_not_found' })
})
