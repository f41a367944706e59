/** Alerts reach a real receiver and a real mailbox: signed, at least once, and never at the cost of the next evaluation. */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { type AlertReceiver, type ReceivedAlert, startAlertReceiver } from '../support/alert-receiver.ts'
import { startMailServer } from '../support/mail-server.ts'
import { startWebServer } from '../support/web-server.ts'
import { startWorkerProcess } from '../support/worker-process.ts'

let db: TestDatabase
let receiver: AlertReceiver
let secret: string

beforeAll(async () => {
  db = await testDatabase()
  receiver = await startAlertReceiver()
  await db.owner.query(`
    create table ops.gauge (label text primary key, value numeric);
    create function ops.measure_gauge() returns table (metric text, labels jsonb, value numeric) language sql
      as $$ select 'gauge', jsonb_build_object('label', g.label), g.value from ops.gauge as g $$;
    delete from ops.metrics;
    select ops.declare_metric('gauge', 'product', 'count', 'ops.measure_gauge()', 'A gauge of the test.', 10, 20)`)
})
afterAll(async () => {
  await receiver[Symbol.asyncDispose]()
  await db.drop()
})
beforeEach(async () => {
  await db.owner.query('truncate ops.gauge, ops.alerts, ops.alert_deliveries')
  receiver.received.length = 0
  receiver.answer((response) => response.end())
  const { rows } = await db.owner.query<{ secret: string }>('select ops.set_alert_webhook($1) as secret', [
    receiver.url,
  ])
  secret = rows[0]?.secret ?? ''
})

const work = (env: Record<string, string> = {}) =>
  startWorkerProcess(db.url('howdah_worker'), { HOWDAH_FETCH_ALLOW: `127.0.0.1:${receiver.port}`, ...env })
const set = (label: string, value: number) =>
  db.owner.query(
    'insert into ops.gauge values ($1, $2) on conflict (label) do update set value = excluded.value',
    [label, value],
  )
const evaluate = () => db.as('howdah_worker').query('select from ops.evaluate_alerts()')
const deliveries = async () => {
  const { rows } = await db.owner.query(
    `select id, content -> 'labels' ->> 'label' as label, event, state, attempt_count, last_error,
       extract(epoch from next_attempt_at - core.now())::int as pause
     from ops.alert_deliveries where channel = 'webhook' order by created_at, id`,
  )
  return rows
}
const hurry = () =>
  db.superuser.query('update graphile_worker._private_jobs set run_at = now() where run_at > now()')
const settled = (what: object[]) => expect.poll(deliveries, { timeout: 25_000 }).toMatchObject(what)

/** What a receiver does, as docs/monitoring.md shows it. */
function isGenuine({ headers, body }: ReceivedAlert, key = secret): boolean {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const hash = createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64')).update(signed)
  return headers['webhook-signature'] === `v1,${hash.digest('base64')}`
}

test('an alert arrives signed, says what happened, and so does its end', async () => {
  await using _worker = await work()
  await set('a', 12)
  await evaluate()
  await settled([{ state: 'sent', attempt_count: 1, last_error: null }])
  const [opened] = receiver.received
  if (!opened) throw new Error('Nothing arrived.')
  expect(isGenuine(opened)).toBe(true)
  expect(isGenuine({ ...opened, body: opened.body.replace('12', '13') })).toBe(false)
  expect(isGenuine(opened, `whsec_${Buffer.alloc(32).toString('base64')}`)).toBe(false)
  expect(Math.abs(Number(opened.headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(20)
  expect(opened.headers['content-type']).toBe('application/json')
  expect(JSON.parse(opened.body)).toMatchObject({
    type: 'alert.opened',
    data: {
      metric: 'gauge',
      labels: { label: 'a' },
      severity: 'warn',
      value: 12,
      summary: 'A gauge of the test.',
    },
  })
  await set('a', 25)
  await evaluate()
  await expect.poll(() => receiver.received.length).toBe(2)
  expect(JSON.parse(receiver.received[1]?.body ?? '').type).toBe('alert.changed')
  expect(receiver.received[1]?.headers['webhook-id']).not.toBe(opened.headers['webhook-id'])
})

test('500, a redirect and silence are tried again under the same id, and hold nothing else up', async () => {
  await using elsewhere = await startWebServer((_request, response) => response.end())
  const worker = await work({
    HOWDAH_FETCH_ALLOW: `127.0.0.1:${receiver.port},127.0.0.1:${elsewhere.port}`,
  })
  await using _ended = worker
  receiver.answer((response, { body }) => {
    const { label } = JSON.parse(body).data.labels
    if (label === 'broken') response.writeHead(500).end()
    else if (label === 'moved') response.writeHead(307, { location: elsewhere.url }).end()
    else if (label === 'busy') response.writeHead(503, { 'retry-after': '120' }).end()
    else if (label === 'gone') response.writeHead(410).end()
    else if (label !== 'silent') response.end()
  })
  for (const label of ['broken', 'busy', 'gone', 'moved', 'silent', 'well']) await set(label, 12)
  await evaluate()
  // The rest has arrived while one is still waited for, and evaluating goes on.
  await settled([
    { label: 'broken', state: 'waiting', last_error: 'status_500' },
    { label: 'busy', state: 'waiting', last_error: 'status_503' },
    { label: 'gone', state: 'failed', last_error: 'status_410' },
    { label: 'moved', state: 'waiting', last_error: 'status_307' },
    { label: 'silent', state: 'sending' },
    { label: 'well', state: 'sent' },
  ])
  const from = performance.now()
  await evaluate()
  console.log(`alerts: evaluated in ${Math.round(performance.now() - from)} ms beside a receiver that hangs`)
  expect(elsewhere.requests).toEqual([])
  const pauses = Object.fromEntries((await deliveries()).map(({ label, pause }) => [label, pause]))
  expect(pauses['broken']).toBeGreaterThan(20)
  expect(pauses['broken']).toBeLessThanOrEqual(30)
  expect(pauses['busy']).toBeGreaterThan(100)
  await expect.poll(async () => (await deliveries())[4]?.last_error, { timeout: 20_000 }).toBe('no_answer')

  receiver.answer((response) => response.end())
  await hurry()
  await settled(
    ['broken', 'busy', 'gone', 'moved', 'silent', 'well'].map((label) => ({
      label,
      state: label === 'gone' ? 'failed' : 'sent',
    })),
  )
  const ofBroken = receiver.received.filter(({ body }) => body.includes('"broken"'))
  expect(ofBroken).toHaveLength(2)
  expect(new Set(ofBroken.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  expect(ofBroken[0]?.body).toBe(ofBroken[1]?.body)
  expect(ofBroken.every((alert) => isGenuine(alert))).toBe(true)
  expect(JSON.stringify(worker.lines)).not.toContain('key-in-path')
}, 60_000)

test('a worker killed on the way: the next one posts it again, under the same id', async () => {
  receiver.answer(() => undefined)
  const worker = await work()
  await set('a', 12)
  await evaluate()
  await expect.poll(() => receiver.received.length, { timeout: 15_000 }).toBe(1)
  worker.kill('SIGKILL')
  await worker.exited
  receiver.answer((response) => response.end())
  const { rows } = await db.superuser.query(
    'select array_agg(distinct locked_by) as ids from graphile_worker._private_jobs where locked_by is not null',
  )
  await db.superuser.query('select graphile_worker.force_unlock_workers($1)', [rows[0].ids])
  await hurry()
  await using _next = await work()
  await settled([{ state: 'sent', attempt_count: 2 }])
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
})

test('an address inside our own network is not posted to, and a receiver that stays away is given up', async () => {
  await using _worker = await work({ HOWDAH_FETCH_ALLOW: '' })
  await set('a', 12)
  await evaluate()
  await settled([{ state: 'waiting', last_error: 'not_reached' }])
  expect(receiver.received).toEqual([])
  await db.owner.query('update ops.alert_deliveries set attempt_count = ops.alert_attempt_limit() - 1')
  await hurry()
  await settled([{ state: 'failed', last_error: 'not_reached' }])
  const { rows } = await db.owner.query('select value::int from ops.measure_deliveries()')
  expect(rows).toEqual([{ value: 1 }])
})

test('without a webhook what waits is skipped', async () => {
  await set('a', 12)
  await evaluate()
  await db.owner.query('select ops.remove_alert_webhook()')
  await using _worker = await work()
  await settled([{ state: 'skipped' }])
})

test('operators get one mail for what happened in a minute', async () => {
  await using mails = await startMailServer()
  await using _worker = await work({ HOWDAH_SMTP_URL: mails.url })
  await db.owner.query(
    `select ops.remove_alert_webhook(), ops.set_setting('alert_mail_to', '["ops@example.com"]')`,
  )
  await set('a', 12)
  await set('b', 25)
  await evaluate()
  const { message } = await mails.mailFor('ops@example.com')
  expect(message.subject).toBe('[Howdah] critical: gauge and 1 more')
  expect(message.text).toContain('critical (opened): gauge {"label":"b"} is 25. A gauge of the test.')
  expect(message.text).toContain('warn (opened): gauge {"label":"a"} is 12. A gauge of the test.')
  expect(mails.received).toHaveLength(1)
  // Nobody has an account of this address; what is kept of the mail does not name it.
  await expect
    .poll(async () => (await db.owner.query(`select state, recipient from core.mails`)).rows)
    .toEqual([{ state: 'sent', recipient: null }])
})
