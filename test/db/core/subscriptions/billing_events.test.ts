/** What billing events do: matched to their subject, once each, and never lost. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { deliver, event, makePlans, newId, post, seconds, signature, subscription } from './billing.ts'

let db: TestDatabase
let api: TestApi
let ada: Person
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  await makePlans(db)
})
afterAll(() => db.drop())
beforeEach(async () => {
  await db.owner.query('delete from core.billing_events')
  ada = await signUp(api)
})

const OK = { status: 200, body: { received: true } }
const ofAda = (given: Record<string, unknown> = {}) =>
  subscription({ metadata: { howdah_user_id: ada.id }, ...given })
const changed = (about: object, given = {}) => event('customer.subscription.updated', about, given)
const planOf = async (person: Person) => (await api.rpc('current_plan', {}, person.token)).body
const subscriptions = async (person: Person) => (await api.get('/subscriptions', person.token)).body
const outcomes = async () =>
  (await db.owner.query('select kind, outcome from core.billing_events order by received_at')).rows.map(
    (row) => `${row.kind} ${row.outcome}`,
  )

test('a subscription whose metadata names the account gives it the plan', async () => {
  const sent = ofAda({ trial_end: null })
  expect(await deliver(api, event('customer.subscription.created', sent))).toMatchObject(OK)
  expect(await planOf(ada)).toMatchObject({ plan: 'pro', state: 'active', features: { export: true } })
  expect(await subscriptions(ada)).toMatchObject([
    {
      user_id: ada.id,
      plan: 'pro',
      state: 'active',
      provider: 'stripe',
      is_surplus: false,
      cancel_at_period_end: false,
    },
  ])
  const [{ current_period_end: end }] = await subscriptions(ada)
  expect(new Date(end).getTime() / 1000).toBe(sent.items.data[0]?.current_period_end)
  expect(await subscriptions(await signUp(api))).toEqual([])
})

const trustReferences = (isTrusted: boolean) =>
  db.owner.query(`select ops.set_setting('billing_trust_client_reference', $1)`, [isTrusted])

test('a checkout names the account where an operator says so, and what came before it is made up for', async () => {
  const about = subscription()
  await deliver(api, event('customer.subscription.created', about))
  await deliver(api, changed({ ...about, cancel_at_period_end: true }))
  expect(await planOf(ada)).toMatchObject({ plan: 'free', state: 'none' })
  expect(await outcomes()).toEqual([
    'customer.subscription.created unmatched',
    'customer.subscription.updated unmatched',
  ])
  const checkout = { object: 'checkout.session', customer: about.customer, client_reference_id: ada.id }
  // In a payment link the payer writes it, so nobody's plan changes by it unasked.
  await deliver(api, event('checkout.session.completed', checkout))
  expect(await planOf(ada)).toMatchObject({ plan: 'free', state: 'none' })
  await trustReferences(true)
  await deliver(api, event('checkout.session.completed', checkout))
  await trustReferences(false)
  expect(await planOf(ada)).toMatchObject({ plan: 'pro', state: 'active', cancel_at_period_end: true })
  expect(await outcomes()).toEqual([
    'customer.subscription.created processed',
    'customer.subscription.updated processed',
    'checkout.session.completed processed',
    'checkout.session.completed processed',
  ])
})

test.each([
  ['nobody', {}],
  ['an account that is not there', { howdah_user_id: randomUUID() }],
  ['no uuid', { howdah_user_id: "' or true --", howdah_organization_id: 'x'.repeat(300) }],
  ['a number', { howdah_user_id: 7 }],
])('an event that names %s is kept as unmatched', async (_, metadata) => {
  expect(await deliver(api, changed(subscription({ metadata })))).toMatchObject(OK)
  expect(await outcomes()).toEqual(['customer.subscription.updated unmatched'])
})

test('a later event cannot carry a customer over to another account', async () => {
  const about = ofAda()
  await deliver(api, changed(about))
  const mallory = await signUp(api)
  const checkout = { object: 'checkout.session', customer: about.customer, client_reference_id: mallory.id }
  await trustReferences(true)
  await deliver(api, event('checkout.session.completed', checkout, { created: seconds() + 1 }))
  await trustReferences(false)
  await deliver(
    api,
    changed({ ...about, metadata: { howdah_user_id: mallory.id } }, { created: seconds() + 2 }),
  )
  expect(await planOf(mallory)).toMatchObject({ plan: 'free' })
  expect(await planOf(ada)).toMatchObject({ plan: 'pro' })
})

test('kinds we do nothing about are noted, without their content', async () => {
  expect(await deliver(api, event('invoice.paid', { customer: 'cus_1', total: 900 }))).toMatchObject(OK)
  expect(await outcomes()).toEqual(['invoice.paid ignored'])
})

describe('once each', () => {
  test('twenty deliveries of one event at once, five rounds: acted upon once, each answered alike', async () => {
    for (let round = 0; round < 5; round++) {
      const body = JSON.stringify(changed(ofAda(), { id: newId('evt') }))
      const answers = await Promise.all(Array.from({ length: 20 }, () => post(api, body, signature(body))))
      for (const answer of answers) expect(answer).toMatchObject(OK)
    }
    const { rows } = await db.owner.query(
      'select attempt_count, count(*)::int from core.billing_events group by attempt_count',
    )
    expect(rows).toEqual([{ attempt_count: 1, count: 5 }])
    expect(await subscriptions(ada)).toHaveLength(5)
  })

  test('twenty events of one customer at once end as the last of them says', async () => {
    const about = ofAda()
    const sent = Array.from({ length: 20 }, (_, place) =>
      changed(
        { ...about, status: place === 19 ? 'past_due' : 'active' },
        { created: seconds() - 100 + place },
      ),
    )
    const answers = await Promise.all(sent.map((one) => deliver(api, one)))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(await subscriptions(ada)).toMatchObject([{ state: 'past_due' }])
  })

  test('a repeat after something newer changes nothing', async () => {
    const about = ofAda()
    const first = changed(about, { created: seconds() - 10 })
    await deliver(api, first)
    await deliver(api, event('customer.subscription.deleted', { ...about, status: 'canceled' }))
    const before = await subscriptions(ada)
    expect(before).toMatchObject([{ state: 'canceled' }])
    expect(await deliver(api, first)).toMatchObject(OK)
    expect(await subscriptions(ada)).toEqual(before)
  })
})

describe('what fails', () => {
  test('is kept, is asked for again, and goes through once the price is known', async () => {
    const sent = changed(ofAda({ price: `price_${ada.id}` }))
    expect(await deliver(api, sent)).toMatchObject({ status: 424, body: { message: 'billing_event_failed' } })
    expect(await deliver(api, sent)).toMatchObject({ status: 424 })
    const { rows } = await db.owner.query('select outcome, error, attempt_count from core.billing_events')
    expect(rows).toMatchObject([{ outcome: 'failed', attempt_count: 2 }])
    expect(rows[0].error).toContain('billing_price_unknown')
    expect(await planOf(ada)).toMatchObject({ plan: 'free' })

    await db.owner.query(`insert into core.plan_prices values ('stripe', $1, 'pro')`, [`price_${ada.id}`])
    expect(await deliver(api, sent)).toMatchObject(OK)
    expect(await planOf(ada)).toMatchObject({ plan: 'pro' })
  })

  test('goes through by itself when the provider has given up', async () => {
    await deliver(api, changed(ofAda({ price: `price_${ada.id}` })))
    await deliver(api, changed(ofAda({ status: 'a_status_of_tomorrow' })))
    await db.owner.query(`insert into core.plan_prices values ('stripe', $1, 'pro')`, [`price_${ada.id}`])
    const { rows } = await db.as('howdah_worker').query('select core.retry_billing_events() as done')
    expect(rows).toEqual([{ done: 1 }])
    expect(await planOf(ada)).toMatchObject({ plan: 'pro' })
  })

  test("an organization's price does not give an account its plan", async () => {
    expect(await deliver(api, changed(ofAda({ price: 'price_team' })))).toMatchObject({ status: 424 })
    expect(await planOf(ada)).toMatchObject({ plan: 'free' })
  })
})

test.each([
  ['trialing', 'trialing', 'pro'],
  ['active', 'active', 'pro'],
  ['past_due', 'past_due', 'pro'],
  ['canceled', 'canceled', 'free'],
  ['incomplete', 'canceled', 'free'],
  ['incomplete_expired', 'canceled', 'free'],
  ['unpaid', 'canceled', 'free'],
  ['paused', 'canceled', 'free'],
])("Stripe's %s is our %s and gives %s", async (status, state, plan) => {
  await deliver(api, changed(ofAda({ status, trial_end: status === 'trialing' ? seconds() + 100 : null })))
  expect(await subscriptions(ada)).toMatchObject([{ state }])
  expect(await planOf(ada)).toMatchObject({ plan })
})

test('a first payment that arrives in the same second turns incomplete into active, whichever comes first', async () => {
  const about = ofAda()
  const made = event('customer.subscription.created', { ...about, status: 'incomplete' })
  await deliver(api, changed(about, { created: made.created }))
  await deliver(api, made)
  expect(await planOf(ada)).toMatchObject({ plan: 'pro', state: 'active' })
})

describe('several living subscriptions', () => {
  test('one counts, the other is surplus until the first ends', async () => {
    const first = ofAda({ created: seconds() - 50 })
    const second = ofAda({ created: seconds() - 20 })
    await deliver(api, changed(first))
    await deliver(api, changed(second))
    expect((await subscriptions(ada)).filter((one: { is_surplus: boolean }) => one.is_surplus)).toHaveLength(
      1,
    )
    await deliver(api, event('customer.subscription.deleted', { ...second, status: 'canceled' }))
    expect(await planOf(ada)).toMatchObject({ plan: 'pro', state: 'active' })
  })

  test('what the operator gives goes first, and its end lets the paid one count again', async () => {
    await deliver(api, changed(ofAda()))
    await db.owner.query('select ops.set_plan($1, $2)', [ada.email, 'vip'])
    await db.owner.query('select ops.set_plan($1, $2)', [ada.email, 'vip'])
    expect(await planOf(ada)).toMatchObject({ plan: 'vip', is_comped: true })
    expect(await subscriptions(ada)).toHaveLength(2)
    await db.owner.query('select ops.set_plan($1, null)', [ada.email])
    expect(await planOf(ada)).toMatchObject({ plan: 'pro', is_comped: false })
  })
})

test('a plan goes on for the days of grace after a missed payment, and no longer', async () => {
  const about = ofAda()
  const at = seconds() - 86_400
  await deliver(api, changed({ ...about, status: 'past_due' }, { created: at + 3600 }))
  await deliver(api, changed(about, { created: at - 7200 }))
  await deliver(api, changed({ ...about, status: 'past_due' }, { created: at }))
  const [{ past_due_at: since }] = await subscriptions(ada)
  expect(new Date(since).getTime() / 1000).toBe(at)
  const plan = await planOf(ada)
  expect(plan).toMatchObject({ plan: 'pro', state: 'past_due' })
  expect(new Date(plan.grace_ends_at).getTime() / 1000).toBe(at + 7 * 86_400)

  await setClock(db, '6 days 1 minute')
  const { rows } = await db.owner.query('select (private.effective_plan($1, null)).key', [ada.id])
  expect(rows).toEqual([{ key: 'free' }])
  await setClock(db, '0')
})

test('old events are deleted, but not those a missed payment is counted by', async () => {
  await deliver(api, event('invoice.paid', {}))
  await deliver(api, changed(ofAda({ status: 'past_due' })))
  await setClock(db, '91 days')
  const { rows } = await db.as('howdah_worker').query(`select gdpr.clean_up_batch('billing_events') as gone`)
  expect(rows).toEqual([{ gone: '1' }])
  expect(await outcomes()).toEqual(['customer.subscription.updated processed'])
  await setClock(db, '0')
})

test('deleting an account takes its subscriptions and its link to the customer along', async () => {
  const about = ofAda()
  await deliver(api, changed(about))
  await db.owner.query('delete from core.users where id = $1', [ada.id])
  const { rows } = await db.owner.query(
    `select (select count(*) from core.subscriptions where user_id = $1)::int as subscriptions,
      (select count(*) from core.billing_customers where provider_customer_id = $2)::int as links`,
    [ada.id, about.customer],
  )
  expect(rows).toEqual([{ subscriptions: 0, links: 0 }])
  expect(await deliver(api, event('customer.subscription.deleted', about))).toMatchObject(OK)
})
