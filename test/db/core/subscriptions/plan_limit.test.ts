/** Limits of plans where things are made: whichever way in, and when many come at once. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { makePlans } from './billing.ts'

let db: TestDatabase
let api: TestApi
let owner: Person
let organization: { id: string; slug: string }
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  await makePlans(db)
})
afterAll(() => db.drop())
beforeEach(async () => {
  owner = await signUp(api)
  const slug = `acme-${owner.id.slice(-12)}`
  const { body } = await api.rpc('create_organization', { name: 'Acme', slug }, owner.token)
  organization = { id: body[0].id, slug }
})

/** The starter plan allows 3 members, 1 team, 2 workspaces and 2 open invitations. */
const give = (plan: string | null) => db.owner.query('select ops.set_plan($1, $2)', [organization.slug, plan])
const make = {
  team: (name: string) => api.rpc('create_team', { organization_id: organization.id, name }, owner.token),
  workspace: (slug: string) =>
    api.rpc('create_workspace', { organization_id: organization.id, name: slug, slug }, owner.token),
  invitation: (email: string) =>
    api.rpc('invite_member', { organization_id: organization.id, email }, owner.token),
}
const confirmed = async (email?: string) => {
  const person = await signUp(api, email ? { email } : {})
  await db.owner.query('update core.users set email_verified_at = now() where id = $1', [person.id])
  return person
}
/** Somebody else's row, as every door into the organization makes it in the end. */
const addMember = (userId: string) =>
  db.owner.query(`select private.add_member($1, $2, 'member')`, [organization.id, userId])
const memberCount = async () => {
  const { rows } = await db.owner.query(
    'select count(*)::int from core.organization_members where organization_id = $1',
    [organization.id],
  )
  return rows[0].count
}
const REACHED = { status: 402, body: { code: 'PT402', message: 'plan_limit_reached' } }
/** What somebody hears who is not in yet: neither the plan nor how many there are. */
const FULL = {
  status: 402,
  body: { message: 'plan_limit_reached', details: 'The organization has no room for another member.' },
}

test('one more than the plan allows is refused, with the limit and the plan in the detail', async () => {
  expect((await make.team('Gears')).status).toBe(200)
  expect(await make.team('Cams')).toMatchObject({
    ...REACHED,
    body: { details: 'The plan starter allows 1 of teams; 1 are in use.' },
  })
  expect((await make.workspace('one')).status).toBe(200)
  expect((await make.workspace('two')).status).toBe(200)
  expect(await make.workspace('three')).toMatchObject(REACHED)
})

test('a better plan makes room at once, its end takes nothing away but lets nothing more in', async () => {
  await make.team('Gears')
  await give('team')
  expect((await make.team('Cams')).status).toBe(200)
  expect((await make.team('Levers')).status).toBe(200)
  await give(null)
  expect(await make.team('Wheels')).toMatchObject(REACHED)
  expect((await api.get('/teams?select=name', owner.token)).body).toHaveLength(3)
})

test('what is removed makes room', async () => {
  const { body } = await make.team('Gears')
  expect(await make.team('Cams')).toMatchObject(REACHED)
  await db.owner.query('delete from core.teams where id = $1', [body[0].id])
  expect((await make.team('Cams')).status).toBe(200)
})

test.each(['team', 'workspace'] as const)('twenty at once do not get past the limit: %s', async (kind) => {
  const answers = await Promise.all(Array.from({ length: 20 }, (_, place) => make[kind](`number-${place}`)))
  const made = answers.filter(({ status }) => status === 200).length
  expect(made).toBe(kind === 'team' ? 1 : 2)
  expect(answers.filter(({ status }) => status === 402)).toHaveLength(20 - made)
})

describe('members', () => {
  test('join until the plan is full; who is in already may come again', async () => {
    const people = await Promise.all(Array.from({ length: 3 }, () => signUp(api)))
    const [first, second, third] = people.map(({ id }) => id)
    await addMember(first ?? '')
    await addMember(second ?? '')
    await addMember(second ?? '')
    await expect(addMember(third ?? '')).rejects.toMatchObject({
      code: 'PT402',
      message: 'plan_limit_reached',
    })
    expect(await memberCount()).toBe(3)
  })

  test('ten at once: as many as there is room for', async () => {
    const people = await Promise.all(Array.from({ length: 10 }, () => signUp(api)))
    const results = await Promise.allSettled(people.map(({ id }) => addMember(id)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    expect(await memberCount()).toBe(3)
  })

  test('a confirmation at a verified domain succeeds although the organization is full', async () => {
    const domain = `${organization.slug}.example`
    await db.owner.query(
      `insert into core.organization_domains
        (organization_id, domain, token, has_auto_join, verified_at, expires_at, next_check_at)
      values ($1, $2, repeat('a', 43), true, now(), now() + interval '1 day', now())`,
      [organization.id, domain],
    )
    const people = []
    for (const name of ['a', 'b', 'c']) people.push(await confirmed(`${name}@${domain}`))
    expect(await memberCount()).toBe(3)
    const last = people[2]
    expect((await api.rpc('me', {}, last?.token)).body[0].email_verified_at).not.toBe(null)
    expect(await api.rpc('join_organization_by_domain', {}, last?.token)).toMatchObject(FULL)
    await give('team')
    expect((await api.rpc('join_organization_by_domain', {}, last?.token)).status).toBe(200)
  })
})

describe('invitations', () => {
  test('are limited while they are open', async () => {
    expect((await make.invitation('a@example.com')).status).toBe(202)
    expect((await make.invitation('b@example.com')).status).toBe(202)
    expect(await make.invitation('c@example.com')).toMatchObject(REACHED)
    await db.owner.query(`update core.invitations set expires_at = now() where email = 'a@example.com'`)
    expect((await make.invitation('c@example.com')).status).toBe(202)
  })

  test('nobody is invited whom the plan would turn away', async () => {
    for (const { id } of [await signUp(api), await signUp(api)]) await addMember(id)
    expect(await make.invitation('late@example.com')).toMatchObject(REACHED)
  })

  test('whoever accepts after the last place is taken is refused, and can accept when there is room', async () => {
    const email = `late-${organization.slug}@example.com`
    const late = await confirmed(email)
    await make.invitation(email)
    for (const { id } of [await signUp(api), await signUp(api)]) await addMember(id)
    const { rows } = await db.owner.query('select id from core.invitations where email = $1', [email])
    const accept = () => api.rpc('accept_invitation', { invitation_id: rows[0].id }, late.token)
    expect(await accept()).toMatchObject(FULL)
    await give('business')
    expect((await accept()).status).toBe(200)
  })
})

test('a trial that is over leaves the limits of the default plan', async () => {
  await api.rpc('start_trial', { plan: 'team', organization_id: organization.id }, owner.token)
  const limit = async () =>
    (await db.owner.query(`select core.plan_limit('members', $1) as members`, [organization.id])).rows[0]
      .members
  expect(await limit()).toBe(50)
  await setClock(db, '30 days 1 second')
  expect(await limit()).toBe(3)
  await setClock(db, '0')
})

test("without an organization the caller's own plan answers, and nobody has none (not_signed_in)", async () => {
  await db.owner.query(`update core.plans set limits = '{"workspaces": 7}' where key = 'free'`)
  const ask = (claims: Record<string, unknown>) =>
    db.session({ role: 'howdah_migrations', claims }, async (client) => {
      const { rows } = await client.query(`select core.plan_limit('workspaces') as workspaces`)
      return rows[0].workspaces
    })
  expect(await ask({ sub: owner.id })).toBe(7)
  await expect(ask({})).rejects.toMatchObject({ code: 'PT401', message: 'not_signed_in' })
})
