/** A billing provider for tests: plans with prices, and events signed by Stripe's own library. */
import { randomBytes } from 'node:crypto'
import Stripe from 'stripe'
import type { Answer, TestApi } from '../../../setup/api.ts'
import type { TestDatabase } from '../../../setup/database.ts'

export const SECRET = 'whsec_a-secret-for-tests-only'

const { webhooks } = new Stripe('sk_test_nothing_is_ever_sent')

/** What a test says about an event; the rest is made up. */
export type BillingEvent = {
  id: string
  object: 'event'
  type: string
  created: number
  data: { object: object }
}

/** Plans like those of seeds/reference, with a price each for the paid ones. */
export async function makePlans(db: TestDatabase): Promise<void> {
  await db.owner.query(`
    insert into core.plans (key, name, audience, limits, features, trial_days, is_public, position) values
      ('free', 'Free', 'user', '{}', '{"export": false}', 0, true, 1),
      ('pro', 'Pro', 'user', '{}', '{"export": true}', 14, true, 2),
      ('vip', 'Vip', 'user', '{}', '{"export": true}', 14, false, 3),
      ('starter', 'Starter', 'organization', '{"members": 3, "teams": 1, "workspaces": 2, "pending_invitations": 2}', '{}', 0, true, 1),
      ('team', 'Team', 'organization', '{"members": 50, "teams": null}', '{"sso": false}', 30, true, 2),
      ('business', 'Business', 'organization', '{}', '{"sso": true}', 30, true, 3)`)
  await db.owner.query(`
    insert into core.plan_prices (provider, provider_price_id, plan)
    values ('stripe', 'price_pro', 'pro'), ('stripe', 'price_team', 'team'), ('stripe', 'price_business', 'business')`)
  await db.owner.query('select ops.set_billing_secrets($1)', [[SECRET]])
}

export const seconds = (at = Date.now()): number => Math.trunc(at / 1000)
export const newId = (prefix: string): string => `${prefix}_${randomBytes(8).toString('hex')}`

/** An event around an object of the provider. */
export function event(type: string, object: object, given: Partial<BillingEvent> = {}): BillingEvent {
  return { id: newId('evt'), object: 'event', type, created: seconds(), data: { object }, ...given }
}

/** A subscription as Stripe describes it since 2025-03-31: the period stands in its items. */
export function subscription(given: Record<string, unknown> & { price?: string } = {}) {
  const { price = 'price_pro', ...rest } = given
  const period = { current_period_start: seconds(), current_period_end: seconds() + 2_592_000 }
  return {
    id: newId('sub'),
    object: 'subscription',
    customer: newId('cus'),
    status: 'active',
    cancel_at_period_end: false,
    created: seconds(),
    metadata: {},
    items: { object: 'list', data: [{ id: newId('si'), price: { id: price }, ...period }] },
    ...rest,
  }
}

/** The header that Stripe would send with a body. */
export function signature(payload: string, given: { secret?: string; timestamp?: number } = {}): string {
  return webhooks.generateTestHeaderString({ payload, secret: SECRET, ...given })
}

/** POSTs a body as it is, with the header or without one. */
export function post(api: TestApi, body: string, header: string | null): Promise<Answer> {
  return api.request('POST', '/rpc/receive_billing_event', {
    body,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(header === null ? {} : { 'stripe-signature': header }),
    },
  })
}

/** Delivers an event, signed. */
export function deliver(api: TestApi, sent: BillingEvent): Promise<Answer> {
  const body = JSON.stringify(sent, null, 2)
  return post(api, body, signature(body))
}
