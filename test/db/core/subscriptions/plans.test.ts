/** Plans: what can stand in one, and who sees which. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'
import { makePlans } from './billing.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

test('an instance without plans limits nothing', async () => {
  const ada = await signUp(api)
  expect((await api.rpc('current_plan', {}, ada.token)).body).toEqual({
    plan: null,
    name: null,
    state: 'none',
    limits: {},
    features: {},
    is_comped: false,
    trial_ends_at: null,
    current_period_end: null,
    cancel_at_period_end: false,
    grace_ends_at: null,
  })
})

describe('with plans', () => {
  beforeAll(() => makePlans(db))

  test('anybody reads those that are for sale, nobody the others or the prices of the provider', async () => {
    await db.owner.query(
      `update core.plans set archived_at = now(), is_public = false where key = 'business'`,
    )
    const { body } = await api.get('/plans?select=key&order=audience,position')
    expect(body.map(({ key }: { key: string }) => key)).toEqual(['starter', 'team', 'free', 'pro'])
    const ada = await signUp(api)
    expect((await api.get('/plans?key=eq.vip', ada.token)).body).toEqual([])
    await db.owner.query(`update core.plans set archived_at = null, is_public = true where key = 'business'`)
  })

  test('whoever has a plan that is not for sale sees what it allows', async () => {
    const ada = await signUp(api)
    await db.owner.query('select ops.set_plan($1, $2)', [ada.email, 'vip'])
    expect((await api.rpc('current_plan', {}, ada.token)).body).toMatchObject({
      plan: 'vip',
      features: { export: true },
    })
  })

  test.each([
    ['an unknown limit', 'limits', { seats: 1 }],
    ['a negative limit', 'limits', { members: -1 }],
    ['half a member', 'limits', { members: 1.5 }],
    ['a limit beyond integer', 'limits', { members: 2147483648 }],
    ['a limit as text', 'limits', { members: '5' }],
    ['limits as a list', 'limits', [5]],
    ['a feature that is no boolean', 'features', { sso: 1 }],
    ['a feature without a proper name', 'features', { 'SSO!': true }],
    ['features as null', 'features', null],
  ])('%s is refused', async (_, column, value) => {
    await expect(
      db.owner.query(`update core.plans set ${column} = $1 where key = 'team'`, [JSON.stringify(value)]),
    ).rejects.toMatchObject({ code: '23514', constraint: `${column}_is_valid` })
  })

  test.each([
    {},
    { members: null },
    { members: 0, teams: 2147483647, workspaces: 1, pending_invitations: 2 },
  ])('limits of %j are fine', async (limits) => {
    const { rowCount } = await db.owner.query(`update core.plans set limits = $1 where key = 'team'`, [
      limits,
    ])
    expect(rowCount).toBe(1)
  })

  test('no account has a plan of organizations, whoever writes', async () => {
    const ada = await signUp(api)
    await expect(
      db.owner.query(`insert into core.subscriptions (user_id, plan, state) values ($1, 'team', 'active')`, [
        ada.id,
      ]),
    ).rejects.toMatchObject({ code: '23503', constraint: 'subscriptions_plan_fkey' })
    await expect(db.owner.query('select ops.set_plan($1, $2)', [ada.email, 'team'])).rejects.toMatchObject({
      code: 'PT404',
      message: 'plan_not_found',
    })
  })

  test('one subscription counts for each account, whoever writes', async () => {
    const ada = await signUp(api)
    const insert = () =>
      db.owner.query(`insert into core.subscriptions (user_id, plan, state) values ($1, 'pro', 'active')`, [
        ada.id,
      ])
    await insert()
    await expect(insert()).rejects.toMatchObject({ code: '23505' })
  })

  test('a limit nobody knows is a mistake of the program', async () => {
    await expect(db.owner.query(`select core.plan_limit('seats', core.new_id())`)).rejects.toThrow('seats')
  })
})
