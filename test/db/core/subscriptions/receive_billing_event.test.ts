/** The signature of the billing webhook: real headers of Stripe's library, and everything that must not pass for one. */
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { deliver, event, makePlans, post, SECRET, seconds, signature } from './billing.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  await makePlans(db)
})
afterAll(() => db.drop())
beforeEach(async () => {
  await db.owner.query('delete from core.billing_events')
  await db.owner.query('delete from private.attempts')
})

const stored = async () => (await db.owner.query('select * from core.billing_events')).rows
const note = () => event('invoice.paid', { id: 'in_1' })
const mac = (body: string, at: number, secret = SECRET) =>
  createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')
const RECEIVED = { status: 200, body: { received: true } }
const REFUSED = {
  status: 400,
  body: {
    code: 'PT400',
    message: 'billing_signature_invalid',
    details: '',
    hint: 'Send the body byte for byte, within 300 seconds, and Stripe-Signature with it.',
  },
}

describe('the body reaches the function byte for byte', () => {
  test.each([
    [
      'blanks and line breaks',
      (id: string, at: number) => `\n {  "type":"a.b",\r\n\t"created" : ${at} ,"id":"${id}" }\n\n`,
    ],
    [
      'repeated keys',
      (id: string, at: number) => `{"id":"x","id":"${id}","z":1,"a":2,"type":"a.b","created":${at}}`,
    ],
    [
      'escapes',
      (id: string, at: number) =>
        `{"n":"\\u00e9\\ud83d\\ude00 \\/ \\u0041","id":"${id}","type":"a.b","created":${at}}`,
    ],
    [
      'other scripts',
      (id: string, at: number) => `{"n":"Žofie 北京 😀 \u2028","id":"${id}","type":"a.b","created":${at}}`,
    ],
    [
      'long numbers',
      (id: string, at: number) =>
        `{"n":[12345678901234567890.1200,1E5,-0.0],"id":"${id}","type":"a.b","created":${at}}`,
    ],
    [
      'an empty object',
      (id: string, at: number) => `{"o":{},"l":[],"id":"${id}","type":"a.b","created":${at}}`,
    ],
  ])('%s', async (_, make) => {
    const body = make('evt_1', seconds())
    expect(await post(api, body, signature(body))).toMatchObject(RECEIVED)
    expect(await stored()).toMatchObject([
      { provider_event_id: 'evt_1', kind: 'a.b', outcome: 'ignored', facts: {} },
    ])
    expect(await post(api, `${body} `, signature(body))).toMatchObject(REFUSED)
  })

  test('any JSON in any layout', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.json(),
        fc.constantFrom('', ' ', '\n', '\t\r\n'),
        fc.nat(4),
        async (value, gap, indent) => {
          // PostgREST itself refuses what no text can hold.
          fc.pre(!/\\ud[89a-f]/i.test(value) && !/\\u0000/.test(value))
          const inner = JSON.stringify(JSON.parse(value), null, indent)
          const body = `${gap}{"x":${inner},"id":"evt_1","type":"a.b","created":${seconds()}}${gap}`
          expect(await post(api, body, signature(body))).toMatchObject(RECEIVED)
        },
      ),
      { numRuns: 60, seed: 20 },
    )
  })
})

describe('what is no signature of ours is refused with one answer, and leaves no event', () => {
  const body = JSON.stringify(note())
  const now = seconds()
  const good = mac(body, now)
  const half = (text: string) => text.slice(0, 32)
  test.each<[string, string | null]>([
    ['no header', null],
    ['an empty header', ''],
    ['no instant', `v1=${good}`],
    ['two instants', `t=${now},t=${now},v1=${good}`],
    ['an instant that is no number', `t=${now}x,v1=${good}`],
    ['a negative instant', `t=-${now},v1=${good}`],
    ['a huge instant', `t=${'9'.repeat(40)},v1=${good}`],
    ['no signature', `t=${now}`],
    ['the signature under another scheme', `t=${now},v0=${good}`],
    ['half of it', `t=${now},v1=${half(good)}`],
    ['its first half with zeros', `t=${now},v1=${half(good)}${'0'.repeat(32)}`],
    ['upper case', `t=${now},v1=${good.toUpperCase()}`],
    ['another secret', signature(body, { secret: 'whsec_another-secret-entirely' })],
    ['a signature for another body', signature(`${body}\n`)],
    ['seventeen signatures, the last right', `t=${now},${`v1=${'0'.repeat(64)},`.repeat(16)}v1=${good}`],
    ['a header of 5,000 bytes', `t=${now},v1=${good},x=${'y'.repeat(5000)}`],
    ['a replay after 301 seconds', signature(body, { timestamp: now - 330 })],
    ['an instant 301 seconds ahead', signature(body, { timestamp: now + 330 })],
    ['the instant of another signature', `t=${now - 1},v1=${good}`],
    ['an empty key', `t=${now},v1=${mac(body, now, '')}`],
  ])('%s', async (_, header) => {
    expect(await post(api, body, header)).toMatchObject(REFUSED)
    expect(await stored()).toEqual([])
  })

  test('a body beyond 1 MiB', async () => {
    const huge = JSON.stringify(event('invoice.paid', { text: 'x'.repeat(1_048_576) }))
    expect(await post(api, huge, signature(huge))).toMatchObject(REFUSED)
    const large = JSON.stringify(event('invoice.paid', { text: 'x'.repeat(1_000_000) }))
    expect(await post(api, large, signature(large))).toMatchObject(RECEIVED)
  })

  test('the answer cannot be cast, nor the call repeated by a preference (call_not_plain)', async () => {
    const answer = await api.request(
      'POST',
      '/rpc/receive_billing_event?select=pgrst_scalar:pgrst_scalar->>message::int',
      {
        body,
        headers: { 'stripe-signature': 't=1' },
      },
    )
    expect(answer).toMatchObject({ status: 400, body: { message: 'call_not_plain' } })
  })

  test('the reason stands in the audit log, ten times an hour at most', async () => {
    const before = await events()
    for (let count = 0; count < 14; count++) await post(api, body, `t=${now},v1=${'0'.repeat(64)}`)
    await post(api, body, null)
    expect((await events()).slice(before.length)).toEqual([
      ...Array(10).fill('signature_wrong'),
      'header_missing_or_too_long',
    ])
  })
  const events = async () => {
    const { rows } = await db.owner.query(
      `select new_values ->> 'reason' as reason from core.audit_log where operation = 'billing_event_refused' order by id`,
    )
    return rows.map(({ reason }) => reason)
  }
})

test('every signature of the header counts, and 299 seconds are fine in both directions', async () => {
  const body = JSON.stringify(note())
  const now = seconds()
  const header = `t=${now},v1=${'0'.repeat(64)},v0=x,v1=${mac(body, now)}`
  expect(await post(api, body, header)).toMatchObject(RECEIVED)
  expect(await post(api, body, signature(body, { timestamp: now - 290 }))).toMatchObject(RECEIVED)
  expect(await post(api, body, signature(body, { timestamp: now + 290 }))).toMatchObject(RECEIVED)
  expect(await stored()).toHaveLength(1)
})

describe('secrets', () => {
  const set = (value: string) =>
    db.owner.query(`select private.set_secret('billing_webhook_secrets', $1)`, [value])
  const send = (secret: string) => {
    const body = JSON.stringify(note())
    return post(api, body, signature(body, { secret }))
  }

  test('several count while they change', async () => {
    await db.owner.query('select ops.set_billing_secrets($1)', [['whsec_the-next-one-please', SECRET]])
    expect(await send('whsec_the-next-one-please')).toMatchObject(RECEIVED)
    expect(await send(SECRET)).toMatchObject(RECEIVED)
    expect(await send(`whsec_the-next-one-please ${SECRET}`)).toMatchObject(REFUSED)
    await db.owner.query('select ops.set_billing_secrets($1)', [['whsec_the-next-one-please']])
    expect(await send(SECRET)).toMatchObject(REFUSED)
    await set(SECRET)
  })

  test.each(['', ' ', ',', '\n', 'short', 'short,tiny'])('%j is no secret: nothing passes', async (value) => {
    await set(value)
    const body = JSON.stringify(note())
    const now = seconds()
    for (const key of ['', ' ', ',', '\n', 'short', 'tiny', value]) {
      expect(await post(api, body, `t=${now},v1=${mac(body, now, key)}`)).toMatchObject(REFUSED)
    }
    await set(SECRET)
  })

  test('without any nothing passes', async () => {
    await db.owner.query('select ops.set_billing_secrets($1)', [[]])
    expect(await send(SECRET)).toMatchObject(REFUSED)
    await db.owner.query(`delete from private.secrets where name = 'billing_webhook_secrets'`)
    expect(await send(SECRET)).toMatchObject(REFUSED)
    await set(SECRET)
  })

  test.each([[['short']], [['whsec_with a blank inside']], [['whsec_with,a,comma,inside']], [[null]]])(
    'the operator cannot set %j (billing_secret_invalid)',
    async (secrets) => {
      await expect(db.owner.query('select ops.set_billing_secrets($1)', [secrets])).rejects.toMatchObject({
        code: 'PT400',
        message: 'billing_secret_invalid',
      })
    },
  )
})

test.each([
  ['a list', (body: string) => `[${body}]`],
  ['no id', (body: string) => body.replace(/"id":"evt_\w+"/, '"id":7')],
  ['an id that is no id', (body: string) => body.replace(/"id":"evt_\w+"/, '"id":"evt 1"')],
  ['no kind', (body: string) => body.replace('"invoice.paid"', 'null')],
  ['no instant', (body: string) => body.replace(/"created":\d+/, '"created":"now"')],
  ['an instant beyond all calendars', (body: string) => body.replace(/"created":\d+/, '"created":1e300')],
  ['a number no numeric holds', (body: string) => body.replace(/"created":\d+/, '"created":1e200000')],
  ['a text no text can hold', (body: string) => body.replace('in_1', '\\u0000')],
])('signed, but %s: refused and not stored (billing_event_invalid)', async (_, damage) => {
  const body = damage(JSON.stringify(note()))
  const answer = await post(api, body, signature(body))
  expect(answer).toMatchObject({ status: 400, body: { message: 'billing_event_invalid' } })
  expect(await stored()).toEqual([])
})

test('nothing of a person is kept of an event', async () => {
  await deliver(
    api,
    event('checkout.session.completed', {
      object: 'checkout.session',
      customer: 'cus_1',
      customer_email: 'ada@example.com',
      customer_details: { name: 'Ada Lovelace', address: { line1: 'St James Square' } },
      metadata: { note: 'likes engines' },
    }),
  )
  expect(JSON.stringify(await stored())).not.toMatch(/ada|lovelace|james|engines/i)
  expect(await stored()).toMatchObject([{ outcome: 'unmatched', facts: { customer_id: 'cus_1' } }])
})
