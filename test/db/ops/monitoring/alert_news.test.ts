/** Channels are told what is so, not each change: nothing twice, nothing lost, and no flood when a value flaps. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
  await db.owner.query(`
    create table ops.gauge (label text primary key, value numeric);
    create function ops.measure_gauge() returns table (metric text, labels jsonb, value numeric) language sql
      as $$ select 'gauge', jsonb_build_object('label', g.label), g.value from ops.gauge as g $$;
    delete from ops.metrics;
    select ops.declare_metric('gauge', 'product', 'count', 'ops.measure_gauge()', 'A gauge.', 10, 20)`)
})
afterAll(() => db.drop())
beforeEach(async () => {
  await db.owner.query('truncate ops.gauge, ops.alerts, ops.alert_deliveries')
  await db.owner.query(`delete from core.mails; select ops.set_setting('alert_mail_to', '[]')`)
  await db.owner.query(`select ops.set_alert_webhook('https://alerts.example/hook')`)
})

const evaluate = () => db.as('howdah_worker').query('select from ops.evaluate_alerts()')
const set = (value: number, label = 'a') =>
  db.owner.query(
    'insert into ops.gauge values ($2, $1) on conflict (label) do update set value = excluded.value',
    [value, label],
  )
/** What was queued, in order. */
async function told(channel = 'webhook'): Promise<string[]> {
  const { rows } = await db.owner.query<{ line: string }>(
    `select event || ' ' || severity || ' ' || (content -> 'labels' ->> 'label') as line
     from ops.alert_deliveries where channel = $1 order by created_at, id`,
    [channel],
  )
  return rows.map(({ line }) => line)
}
const at = (minutes: number) => setClock(db, `${minutes} minutes`)

test('opened, worse, well: each once, however often it is evaluated', async () => {
  await set(12)
  await evaluate()
  await evaluate()
  await set(25)
  await evaluate()
  await evaluate()
  expect(await told()).toEqual(['opened warn a', 'changed critical a'])
  await set(1)
  await evaluate()
  expect(await told()).toHaveLength(2)
  await at(16)
  await evaluate()
  await evaluate()
  expect(await told()).toEqual(['opened warn a', 'changed critical a', 'resolved critical a'])
  await at(0)
})

test('values that flap each minute for an hour: a few messages, and the last one is true', async () => {
  for (let minute = 0; minute < 60; minute++) {
    await at(minute)
    await set(minute % 2 === 0 ? 25 : 1, 'comes and goes')
    await set(minute % 2 === 0 ? 25 : 12, 'warn and critical')
    await evaluate()
  }
  const { rows } = await db.owner.query('select count(*)::int as n from ops.alerts')
  const of = async (label: string) => (await told()).filter((line) => line.endsWith(label))
  const counts = [(await of('comes and goes')).length, (await of('warn and critical')).length]
  console.log(
    `flapping: ${rows[0].n - 1} alerts of one in an hour, ${counts[0]} messages; of the other ${counts[1]}`,
  )
  expect(rows[0].n).toBe(31)
  expect(Math.max(...counts)).toBeLessThanOrEqual(8)
  await at(80)
  await evaluate()
  expect((await of('comes and goes')).at(-1)).toBe('resolved critical comes and goes')
  expect((await of('warn and critical')).at(-1)).toBe('changed warn warn and critical')
  await at(0)
}, 60_000)

test('a channel that comes later hears of what is open, one that is taken away of nothing', async () => {
  await db.owner.query('select ops.remove_alert_webhook()')
  await set(12)
  await set(30, 'b')
  await evaluate()
  expect(await told()).toEqual([])
  await db.owner.query(`select ops.set_setting('alert_mail_to', '["one@example.com", "two@example.com"]')`)
  await evaluate()
  await evaluate()
  const { rows } = await db.owner.query<{ recipient: string; n: number }>(
    `select recipient, jsonb_array_length(facts -> 'alerts') as n from core.mails where kind = 'alert' order by 1`,
  )
  // One mail an address for all that is new.
  expect(rows).toEqual([
    { recipient: 'one@example.com', n: 2 },
    { recipient: 'two@example.com', n: 2 },
  ])
  expect((await told('mail')).sort()).toEqual([
    'opened critical b',
    'opened critical b',
    'opened warn a',
    'opened warn a',
  ])
  const joined = await db.owner.query(
    `select from ops.alert_deliveries as d join core.mails as m on m.id = d.mail_id where d.state = 'queued'`,
  )
  expect(joined.rowCount).toBe(4)
})

test('what was lost is told again while it is so', async () => {
  await set(12)
  await evaluate()
  await db.owner.query(`update ops.alert_deliveries set state = 'failed', finished_at = core.now()`)
  await evaluate()
  expect(await told()).toHaveLength(1)
  await at(16)
  await evaluate()
  expect(await told()).toEqual(['opened warn a', 'opened warn a'])
  await at(0)
})

test('what stays open is told again after 30 days, once, and its end is not lost', async () => {
  await set(12)
  await evaluate()
  await setClock(db, '29 days')
  await evaluate()
  expect(await told()).toHaveLength(1)
  await setClock(db, '30 days 1 minute')
  await evaluate()
  await evaluate()
  expect(await told()).toEqual(['opened warn a', 'opened warn a'])
  await set(1)
  await setClock(db, '45 days')
  await evaluate()
  expect((await told()).at(-1)).toBe('resolved warn a')
  await setClock(db, '0')
})

test('deliveries go with their alert after a year, and a secret or address that is none is refused', async () => {
  await set(12)
  await evaluate()
  await set(1)
  await evaluate()
  await setClock(db, '400 days')
  await db.as('howdah_worker').query(`select gdpr.clean_up_batch('alerts')`)
  expect((await db.owner.query('select from ops.alert_deliveries')).rowCount).toBe(0)
  await setClock(db, '0')
  for (const [url, secret] of [
    ['ftp://x.example', null],
    ['https://user:password@x.example/', null],
    ['https://x.example/', 'short'],
    ['https://x.example/', 'whsec_?'],
    [null, null],
    [`https://x.example/${'a'.repeat(2000)}`, null],
  ])
    await expect(db.owner.query('select ops.set_alert_webhook($1, $2)', [url, secret])).rejects.toThrow(
      'alert_webhook_invalid',
    )
})
