/** What the views advise is what somebody planted: missing, superfluous and unused indexes, air, and when it is full. */
import { afterAll, expect, test } from 'vitest'
import { testDatabase } from '../../../setup/database.ts'

const db = await testDatabase()
afterAll(() => db.drop())

test('our own tables lack no index for a foreign key and have none too many', async () => {
  const { rows } = await db.owner.query(
    `select relation, subject from missing_indexes where relation !~ '^graphile' union all
     select relation, index from redundant_indexes`,
  )
  expect(rows).toEqual([])
})

test('planted ones are found, and their cousins are not', async () => {
  await db.owner.query(`
    create table ops.planted (
      id int primary key, topic text references briefing.topics, a int, b int, c int,
      constraint planted_key unique (b, c)
    );
    create index planted_a on ops.planted (a);
    create index planted_a_again on ops.planted (a);
    create index planted_a_b on ops.planted (a, b);
    create index planted_a_descending on ops.planted (a desc);
    create index planted_some_a on ops.planted (a) where b > 0;
    create index planted_b on ops.planted (b);
    create index planted_c on ops.planted (c);
    create unique index planted_unique on ops.planted (a, b, c)`)
  const missing = await db.owner.query(
    `select relation, reason, columns from missing_indexes where relation = 'ops.planted'`,
  )
  expect(missing.rows).toEqual([{ relation: 'ops.planted', reason: 'foreign_key', columns: ['topic'] }])
  const redundant = await db.owner.query(
    `select index, covered_by, reason from redundant_indexes where relation = 'ops.planted' order by 1, 2`,
  )
  expect(redundant.rows).toEqual([
    { index: 'planted_a', covered_by: 'planted_a_b', reason: 'prefix' },
    { index: 'planted_a', covered_by: 'planted_unique', reason: 'prefix' },
    { index: 'planted_a_again', covered_by: 'planted_a', reason: 'duplicate' },
    { index: 'planted_a_again', covered_by: 'planted_a_b', reason: 'prefix' },
    { index: 'planted_a_again', covered_by: 'planted_unique', reason: 'prefix' },
    { index: 'planted_a_b', covered_by: 'planted_unique', reason: 'prefix' },
    { index: 'planted_b', covered_by: 'planted_key', reason: 'prefix' },
  ])
  await db.owner.query('create index planted_topic on ops.planted (topic, a)')
  const after = await db.owner.query(`select from missing_indexes where relation = 'ops.planted'`)
  expect(after.rowCount).toBe(0)
  const unused = await db.owner.query(
    `select index from unused_indexes where relation = 'ops.planted' order by 1`,
  )
  expect(unused.rows.map(({ index }) => index)).toContain('planted_c')
  expect(unused.rows.map(({ index }) => index)).not.toContain('planted_unique')
})

test('the estimate of bloat is near what is known of tables that were made so', async () => {
  await db.owner.query(`
    create table ops.dense (id bigint primary key, word text not null) with (autovacuum_enabled = off);
    create table ops.airy (id bigint primary key, word text not null) with (autovacuum_enabled = off);
    insert into ops.dense select n, repeat('x', 60) from generate_series(1, 40000) n;
    insert into ops.airy select n, repeat('x', 60) from generate_series(1, 40000) n;
    delete from ops.airy where id % 4 <> 0;`)
  await db.owner.query('vacuum analyze ops.dense')
  await db.owner.query('vacuum analyze ops.airy')
  const { rows } = await db.owner.query<{ name: string; ratio: number }>(`
    select relation as name, bloat_ratio::float8 as ratio from table_bloat where relation in ('ops.dense', 'ops.airy')
    union all
    select index, bloat_ratio::float8 from index_bloat where index in ('dense_pkey', 'airy_pkey')`)
  const ratios = Object.fromEntries(rows.map(({ name, ratio }) => [name, ratio]))
  console.log(`bloat estimates: ${JSON.stringify(ratios)}; made were 0, 0.75 and, of the index, 0 and 0.75`)
  expect(ratios['ops.dense']).toBeLessThan(0.1)
  expect(ratios['dense_pkey']).toBeLessThan(0.15)
  expect(ratios['ops.airy']).toBeCloseTo(0.75, 1)
  expect(ratios['airy_pkey']).toBeCloseTo(0.75, 1)
})

test('growth is a straight line through the samples, and the limit lies where it crosses', async () => {
  const forecast = async (metric: string) =>
    (
      await db.owner.query(
        `select growth_per_day::float8 as growth, fit::float8, limit_value::float8 as limit, days_left::float8 as days,
           sample_count::int as n from capacity_forecast() where metric = $1`,
        [metric],
      )
    ).rows
  await db.owner.query(`
    insert into ops.metric_samples (metric, value, sampled_at)
      select 'database_size_bytes', 1000000 + 1000 * n, core.now() - (10 - n) * interval '1 day' from generate_series(0, 10) n;
    insert into ops.metric_samples (metric, labels, value, sampled_at)
      select 'disk_used_ratio', '{"place": "worker"}', 0.9 - 0.01 * n, core.now() - (10 - n) * interval '1 day' from generate_series(0, 10) n;
    insert into ops.metric_samples (metric, value, sampled_at)
      select 'connections_used_ratio', 0.5 + 0.01 * n, core.now() - (60 - n) * interval '1 minute' from generate_series(0, 10) n;
    insert into ops.metric_samples (metric, value, sampled_at)
      select 'jobs_waiting', n, core.now() - (10 - n) * interval '1 day' from generate_series(0, 10) n`)
  expect(await forecast('database_size_bytes')).toEqual([
    { growth: 1000, fit: 1, limit: null, days: null, n: 11 },
  ])
  await db.owner.query(`select ops.set_setting('database_disk_bytes', '1100000')`)
  expect(await forecast('database_size_bytes')).toMatchObject([{ limit: 1_100_000, days: 90 }])
  // It shrinks: never full. An hour is no history. What cannot be full has no forecast.
  expect(await forecast('disk_used_ratio')).toMatchObject([{ growth: -0.01, limit: 1, days: null }])
  expect(await forecast('connections_used_ratio')).toEqual([])
  expect(await forecast('jobs_waiting')).toEqual([])
  await db.owner.query(`select ops.set_setting('database_disk_bytes', '1000')`)
  expect(await forecast('database_size_bytes')).toMatchObject([{ days: 0 }])
})

test('slots and replicas are listed', async () => {
  const { rows } = await db.owner.query('select * from replication_status')
  // A throwaway cluster has neither; what there is has a name.
  for (const row of rows) expect(row.name).toBeTruthy()
})
