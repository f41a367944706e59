/** An alert opens once, follows its value, resolves, and can open again; blindness is no recovery. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
  // Everything but what this file measures by itself.
  await db.owner.query(`
    create table ops.gauge (label text primary key, value numeric);
    create function ops.measure_gauge() returns table (metric text, labels jsonb, value numeric) language sql
      as $$ select 'gauge', jsonb_build_object('label', g.label), g.value from ops.gauge as g $$;
    delete from ops.metrics;
    select ops.declare_metric('gauge', 'product', 'count', 'ops.measure_gauge()', 'A gauge.', 10, 20)`)
})
afterAll(() => db.drop())
beforeEach(() => db.owner.query('truncate ops.gauge, ops.alerts cascade'))

const set = (label: string, value: number) =>
  db.owner.query(
    'insert into ops.gauge values ($1, $2) on conflict (label) do update set value = excluded.value',
    [label, value],
  )
const evaluate = async () => {
  const { rows } = await db
    .as('howdah_worker')
    .query(
      `select event, labels ->> 'label' as label, severity, value::int from ops.evaluate_alerts() order by 2`,
    )
  return rows
}

test('opens once, changes its severity, resolves, opens anew', async () => {
  await set('a', 9)
  expect(await evaluate()).toEqual([])
  await set('a', 10)
  expect(await evaluate()).toEqual([{ event: 'opened', label: 'a', severity: 'warn', value: 10 }])
  await set('a', 15)
  expect(await evaluate()).toEqual([])
  await set('a', 25)
  await set('b', 11)
  expect(await evaluate()).toEqual([
    { event: 'changed', label: 'a', severity: 'critical', value: 25 },
    { event: 'opened', label: 'b', severity: 'warn', value: 11 },
  ])
  await db.owner.query(`delete from ops.gauge where label = 'b'`)
  await set('a', 1)
  expect((await evaluate()).map(({ event, label }) => [event, label])).toEqual([
    ['resolved', 'a'],
    ['resolved', 'b'],
  ])
  await set('a', 12)
  expect(await evaluate()).toMatchObject([{ event: 'opened', label: 'a' }])
  const { rows } = await db.owner.query('select count(*)::int as n from ops.alerts')
  expect(rows).toEqual([{ n: 3 }])
})

test('what cannot be measured any more stays open', async () => {
  await set('a', 12)
  await evaluate()
  await db.owner.query(`alter table ops.gauge rename to gone`)
  expect(await evaluate()).toEqual([])
  expect((await db.owner.query('select from ops.alerts where resolved_at is null')).rowCount).toBe(1)
  await db.owner.query(`alter table ops.gone rename to gauge`)
})

test('ten workers at once open one alert', async () => {
  await set('a', 12)
  const all = await Promise.all(Array.from({ length: 10 }, evaluate))
  expect(all.flat().filter(({ event }) => event === 'opened')).toHaveLength(1)
  expect((await db.owner.query('select from ops.alerts')).rowCount).toBe(1)
})
