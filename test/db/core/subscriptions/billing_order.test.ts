/** Whatever the order in which events come, repeated or not, the end is the same. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { event, makePlans, seconds } from './billing.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
  await makePlans(db)
  await db.owner.query(`select ops.set_setting('billing_trust_client_reference', 'true')`)
  // One call a history instead of two an event.
  await db.owner.query(`
    create function private.play(events jsonb) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
    declare
      e jsonb;
    begin
      for e in select * from jsonb_array_elements(events) loop
        insert into core.billing_events (provider, provider_event_id, kind, occurred_at, facts, outcome)
        values ('stripe', e ->> 'id', e ->> 'type', private.instant_of(e -> 'created'), private.read_billing_event(e), 'received')
        on conflict do nothing;
        perform private.process_billing_event('stripe', e ->> 'id');
      end loop;
    end $$`)
})
afterAll(() => db.drop())

const HISTORIES = 200
const START = seconds() - 1_000_000
const STATUSES = ['trialing', 'active', 'active', 'active', 'past_due', 'past_due', 'canceled', 'incomplete']

/** A step in the life of one of three subscriptions of two customers; few seconds, so that many share one. */
const step = fc.record({
  subscription: fc.nat(2),
  kind: fc.constantFrom('created', 'updated', 'updated', 'deleted', 'paused', 'checkout'),
  status: fc.constantFrom(...STATUSES),
  price: fc.constantFrom('price_pro', 'price_pro2'),
  at: fc.nat(6),
  /** Which of two accounts the event names; none: neither. */
  names: fc.option(fc.constantFrom(0, 0, 0, 1)),
})
const history = fc.array(step, { minLength: 2, maxLength: 12 }).chain((steps) =>
  fc.record({
    steps: fc.constant(steps),
    // Every event at least once, some of them again.
    order: fc.tuple(permutation(steps.length), fc.array(fc.nat(steps.length - 1), { maxLength: 3 })),
  }),
)

function permutation(length: number) {
  const places = Array.from({ length }, (_, place) => place)
  return fc.shuffledSubarray(places, { minLength: length, maxLength: length })
}

test(`${HISTORIES} histories, shuffled and repeated, end like the same events in order`, async () => {
  const { rows: users } = await db.owner.query<{ id: string }>(
    `insert into core.users (email) values ('one@example.com'), ('two@example.com') returning id`,
  )
  const userIds = users.map(({ id }) => id)
  await db.owner.query(`insert into core.plan_prices values ('stripe', 'price_pro2', 'vip')`)
  let living = 0
  await fc.assert(
    fc.asyncProperty(history, async ({ steps, order: [shuffled, again] }) => {
      const events = steps.map((one, place) => toEvent(one, place, userIds))
      const sorted = events
        .map((one, place) => ({ one, place }))
        .sort(
          (a, b) => a.one.created - b.one.created || rank(a.one.type) - rank(b.one.type) || a.place - b.place,
        )
        .map(({ one }) => one)
      const inOrder = await play(sorted, userIds)
      const outOfOrder = await play(
        [...shuffled, ...again].map((place) => events[place]),
        userIds,
      )
      expect(outOfOrder).toEqual(inOrder)
      for (const row of inOrder) {
        const last = sorted
          .filter(({ data }) => 'id' in data.object && data.object.id === row.provider_subscription_id)
          .at(-1)
        expect(last?.data.object).toMatchObject({ status: row.provider_status })
      }
      if (inOrder.some(({ state }) => state !== 'canceled')) living++
    }),
    { numRuns: HISTORIES, seed: 20261120, endOnFailure: true },
  )
  // Histories that end in nothing would prove nothing.
  expect(living).toBeGreaterThan(HISTORIES / 4)
}, 120_000)

const rank = (type: string) =>
  type === 'customer.subscription.created' ? 0 : type === 'customer.subscription.deleted' ? 2 : 1

function toEvent(one: Step, place: number, userIds: string[]) {
  const customer = one.subscription === 2 ? 'cus_b' : 'cus_a'
  const given = { id: `evt_${String(place).padStart(2, '0')}`, created: START + one.at * 60 }
  if (one.kind === 'checkout') {
    const session = { object: 'checkout.session', customer, client_reference_id: userIds[one.names ?? 0] }
    return event('checkout.session.completed', session, given)
  }
  return event(
    `customer.subscription.${one.kind}`,
    {
      id: `sub_${one.subscription}`,
      object: 'subscription',
      customer,
      status: one.kind === 'deleted' ? 'canceled' : one.status,
      created: START + one.subscription,
      metadata: one.names === null ? {} : { howdah_user_id: userIds[one.names] },
      items: {
        data: [
          { price: { id: one.price }, current_period_start: START, current_period_end: START + 1000 + place },
        ],
      },
    },
    given,
  )
}

type Step = {
  subscription: number
  kind: string
  status: string
  price: string
  at: number
  names: number | null
}

/** Stores and processes events as the webhook does, and tells the end; undone afterwards. */
async function play(events: (ReturnType<typeof event> | undefined)[], userIds: string[]) {
  const client = await db.owner.connect()
  try {
    await client.query('begin')
    await client.query('select private.play($1)', [JSON.stringify(events)])
    const { rows: failed } = await client.query(
      `select error from core.billing_events where outcome = 'failed'`,
    )
    expect(failed).toEqual([])
    const { rows } = await client.query(
      `select provider_subscription_id, user_id, plan, state, is_surplus, trial_ends_at, current_period_end, canceled_at,
        past_due_at, provider_status, provider_updated_at, provider_order,
        (select array_agg(p.key order by u.id) from unnest($1::uuid[]) as u (id), private.effective_plan(u.id, null) as p)
          as plans_that_count
      from core.subscriptions order by provider_subscription_id`,
      [userIds],
    )
    return rows
  } finally {
    await client.query('rollback')
    client.release()
  }
}
