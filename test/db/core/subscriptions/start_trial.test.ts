/** Trials of our own: once in a life, over at their end, whether or not a worker runs. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { deliver, event, makePlans, subscription } from './billing.ts'

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
  ada = await signUp(api)
})

const start = (person: Person, plan: string, organization_id?: string) =>
  api.rpc('start_trial', { plan, organization_id }, person.token)
const planOf = async (person: Person, organization_id?: string) =>
  (await api.rpc('current_plan', { organization_id }, person.token)).body
const refusal = (status: number, message: string) => ({ status, body: { message } })
const tokenOf = async ({ email, password }: Person) =>
  (await api.rpc('sign_in', { email, password })).body.access_token
const expire = async () =>
  (await db.as('howdah_worker').query('select core.expire_trials() as ended')).rows[0].ended

test('a trial gives the plan for its days, and shows in the account', async () => {
  const { status, body } = await start(ada, 'pro')
  expect(status).toBe(200)
  expect(body).toMatchObject({ plan: 'pro', state: 'trialing', features: { export: true } })
  expect(Math.round((Date.parse(body.trial_ends_at) - Date.now()) / 86_400_000)).toBe(14)
  const me = (await api.rpc('me', {}, ada.token)).body[0]
  expect(me.trial_ends_at).toBe(body.trial_ends_at)
})

test('once in the life of an account (trial_already_used)', async () => {
  await start(ada, 'pro')
  expect(await start(ada, 'pro')).toMatchObject(refusal(409, 'trial_already_used'))
  await db.owner.query(`update core.subscriptions set trial_ends_at = now() where user_id = $1`, [ada.id])
  await expire()
  expect(await start(ada, 'pro')).toMatchObject(refusal(409, 'trial_already_used'))
})

test('twenty starts at once make one trial', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => start(ada, 'pro')))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(answers.filter(({ body }) => body.message === 'trial_already_used')).toHaveLength(19)
})

test('its end is its end, with or without the job, and the job can come twice', async () => {
  await start(ada, 'pro')
  await setClock(db, '13 days 23 hours')
  expect(await planOf({ ...ada, token: await tokenOf(ada) })).toMatchObject({
    plan: 'pro',
    state: 'trialing',
  })
  expect(await expire()).toBe(0)
  await setClock(db, '14 days 1 minute')
  ada.token = await tokenOf(ada)
  expect(await planOf(ada)).toMatchObject({ plan: 'free', state: 'none', trial_ends_at: null })
  expect(await expire()).toBeGreaterThan(0)
  expect(await expire()).toBe(0)
  const { body } = await api.get('/subscriptions', ada.token)
  expect(body).toMatchObject([{ state: 'canceled', plan: 'pro' }])
  expect(body[0].canceled_at).toBe(body[0].trial_ends_at)
  await setClock(db, '0')
})

test('paying during the trial makes the paid one count', async () => {
  await start(ada, 'pro')
  const paid = subscription({ metadata: { howdah_user_id: ada.id } })
  await deliver(api, event('customer.subscription.created', paid))
  expect(await planOf(ada)).toMatchObject({ plan: 'pro', state: 'active', trial_ends_at: null })
})

test.each([
  ['a plan that is not there', 'gold', 404, 'plan_not_found'],
  ['a plan that is not for sale', 'vip', 404, 'plan_not_found'],
  ['a plan without a trial', 'free', 400, 'trial_not_offered'],
  ["an organization's plan", 'team', 400, 'trial_not_offered'],
])('%s is refused', async (_, plan, status, message) => {
  expect(await start(ada, plan)).toMatchObject(refusal(status, message))
})

test('not for someone who pays already (already_subscribed), nor for nobody', async () => {
  await db.owner.query('select ops.set_plan($1, $2)', [ada.email, 'vip'])
  expect(await start(ada, 'pro')).toMatchObject(refusal(409, 'already_subscribed'))
  expect((await api.rpc('start_trial', { plan: 'pro' })).status).toBe(401)
})

describe('of an organization', () => {
  let organizationId: string
  beforeEach(async () => {
    const { rows } = await db.owner.query(
      `insert into core.organizations (name, slug) values ('Acme', 'acme-' || substr(md5(random()::text), 1, 12)) returning id`,
    )
    organizationId = rows[0].id
  })
  const join = async (role: string) => {
    const person = await signUp(api)
    await db.owner.query(
      'insert into core.organization_members (organization_id, user_id, role) values ($1, $2, $3)',
      [organizationId, person.id, role],
    )
    return person
  }

  test.each(['owner', 'billing'])('%s may, and all members see the plan', async (role) => {
    const person = await join(role)
    expect(await start(person, 'team', organizationId)).toMatchObject({ status: 200, body: { plan: 'team' } })
    const member = await join('member')
    expect(await planOf(member, organizationId)).toMatchObject({ plan: 'team', state: 'trialing' })
    expect((await api.get('/subscriptions', person.token)).body).toMatchObject([
      { organization_id: organizationId },
    ])
    expect((await api.get('/subscriptions', member.token)).body).toEqual([])
    expect((await api.rpc('me', {}, person.token)).body[0].trial_ends_at).toBe(null)
  })

  // Who manages what the organization pays for is said once, in core.organization_actions().
  test('an admin neither decides about money nor sees it (organization_role_required)', async () => {
    await start(await join('owner'), 'team', organizationId)
    const admin = await join('admin')
    expect(await start(admin, 'business', organizationId)).toMatchObject(
      refusal(403, 'organization_role_required'),
    )
    expect((await api.get('/subscriptions', admin.token)).body).toEqual([])
  })

  test('a member may not (organization_role_required), a stranger hears of nothing (organization_not_found)', async () => {
    expect(await start(await join('member'), 'team', organizationId)).toMatchObject(
      refusal(403, 'organization_role_required'),
    )
    expect(await start(ada, 'team', organizationId)).toMatchObject(refusal(404, 'organization_not_found'))
    expect(await planOf(ada, organizationId)).toMatchObject({ message: 'organization_not_found' })
  })

  test("an account's plan is refused (trial_not_offered)", async () => {
    expect(await start(await join('owner'), 'pro', organizationId)).toMatchObject(
      refusal(400, 'trial_not_offered'),
    )
  })

  test('the operator gives a plan by slug', async () => {
    const owner = await join('owner')
    const { rows } = await db.owner.query('select slug from core.organizations where id = $1', [
      organizationId,
    ])
    await db.owner.query('select ops.set_plan($1, $2)', [rows[0].slug, 'business'])
    expect(await planOf(owner, organizationId)).toMatchObject({ plan: 'business', is_comped: true })
    const { rows: audited } = await db.owner.query(
      `select count(*)::int from core.audit_log where relation = 'core.subscriptions' and tenant_id = $1`,
      [organizationId],
    )
    expect(audited[0].count).toBeGreaterThan(0)
    await expect(db.owner.query(`select ops.set_plan('nobody-there', 'team')`)).rejects.toMatchObject({
      code: 'PT404',
      message: 'organization_not_found',
    })
  })
})
