/** Who may change whom: the roles, the last owner, and what strangers learn. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { inviting } from './inviting.ts'
import { addMember, createOrganization, type Organization, type Role } from './story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const MISSING = '0198c0de-0000-7000-8000-00000000000a'
const roleOf = async (organization: Organization, person: Person) => {
  const { rows } = await db.owner.query(
    'select role from core.organization_members where organization_id = $1 and user_id = $2',
    [organization.id, person.id],
  )
  return rows[0]?.role
}
const change = (by: Person, { id }: Organization, who: string, role: unknown) =>
  api.rpc('change_member_role', { organization_id: id, user_id: who, role }, by.token)
const remove = (by: Person, { id }: Organization, who: string) =>
  api.rpc('remove_member', { organization_id: id, user_id: who }, by.token)
const leave = (by: Person, { id }: Organization) =>
  api.rpc('leave_organization', { organization_id: id }, by.token)
const transfer = (by: Person, { id }: Organization, to: string, password = by.password) =>
  api.rpc('transfer_ownership', { organization_id: id, user_id: to, password }, by.token)

describe('who may do what', () => {
  // By, with which role, to whom, to which role.
  const CASES: [by: Role, target: Role, to: Role, status: number][] = [
    ['owner', 'member', 'owner', 200],
    ['owner', 'admin', 'billing', 200],
    ['owner', 'owner', 'member', 200],
    ['admin', 'member', 'admin', 200],
    ['admin', 'billing', 'member', 200],
    ['admin', 'member', 'owner', 403],
    ['admin', 'owner', 'member', 403],
    ['member', 'member', 'billing', 403],
    ['billing', 'member', 'admin', 403],
  ]
  test.each(CASES)('%s makes %s %s: %i', async (by, target, to, status) => {
    const acme = await createOrganization(api)
    const [actor, other] = [await addMember(db, api, acme, by), await addMember(db, api, acme, target)]
    const answer = await change(actor, acme, other.id, to)
    expect(answer.status).toBe(status)
    expect(await roleOf(acme, other)).toBe(status === 200 ? to : target)
    if (status === 200) expect(answer.body).toMatchObject([{ user_id: other.id, role: to }])
    else expect(answer.body.message).toBe('organization_role_required')
  })

  const REMOVALS: [by: Role, target: Role, status: number][] = [
    ['owner', 'owner', 204],
    ['owner', 'member', 204],
    ['admin', 'admin', 204],
    ['admin', 'owner', 403],
    ['member', 'member', 403],
    ['billing', 'member', 403],
  ]
  test.each(REMOVALS)('%s removes %s: %i', async (by, target, status) => {
    const acme = await createOrganization(api)
    const [actor, other] = [await addMember(db, api, acme, by), await addMember(db, api, acme, target)]
    expect((await remove(actor, acme, other.id)).status).toBe(status)
    expect(await roleOf(acme, other)).toBe(status === 204 ? undefined : target)
    // The removed one still holds a living token.
    const seen = (await api.get('/organizations', other.token)).body
    expect(seen).toHaveLength(status === 204 ? 0 : 1)
  })

  test('nobody makes themselves more than they are', async () => {
    const acme = await createOrganization(api)
    const admin = await addMember(db, api, acme, 'admin')
    expect((await change(admin, acme, admin.id, 'owner')).body.message).toBe('organization_role_required')
    expect((await transfer(admin, acme, admin.id)).body.message).toBe('organization_role_required')
    for (const role of ['root', 'Owner', '', null]) {
      expect((await change(acme.owner, acme, admin.id, role)).body.message).toBe('organization_role_unknown')
    }
    expect(await roleOf(acme, admin)).toBe('admin')
  })
})

test('who was removed does not come back by an invitation from before, with a role nobody gives any more', async () => {
  const { invite, verified, accept } = inviting(db, api)
  const acme = await createOrganization(api)
  const bob = await verified()
  const [old, foreign] = [
    await invite(acme, bob.email, 'admin'),
    await invite(await createOrganization(api), bob.email),
  ]
  await addMember(db, api, acme, 'member', bob)
  expect((await remove(acme.owner, acme, bob.id)).status).toBe(204)
  const back = await accept(bob, { invitation_id: old })
  expect([back.status, back.body.message]).toEqual([404, 'invitation_not_found'])
  expect(await roleOf(acme, bob)).toBeUndefined()
  expect((await accept(bob, { invitation_id: foreign })).status).toBe(200)
  expect((await accept(bob, { invitation_id: await invite(acme, bob.email) })).status).toBe(200)
})

test('strangers and removed members get one answer for organizations of others and missing ones (R-22)', async () => {
  const acme = await createOrganization(api)
  const [removed, stranger] = [await addMember(db, api, acme, 'owner'), await signUp(api)]
  expect((await remove(acme.owner, acme, removed.id)).status).toBe(204)
  const calls = (id: string, { password }: Person): [string, Record<string, unknown>][] => [
    ['update_organization', { organization_id: id, name: 'Mine' }],
    ['delete_organization', { organization_id: id, password }],
    ['change_member_role', { organization_id: id, user_id: acme.owner.id, role: 'member' }],
    ['remove_member', { organization_id: id, user_id: acme.owner.id }],
    ['leave_organization', { organization_id: id }],
    ['transfer_ownership', { organization_id: id, user_id: acme.owner.id, password }],
  ]
  for (const person of [removed, stranger]) {
    const missing = calls(MISSING, person)
    for (const [index, [name, args]] of calls(acme.id, person).entries()) {
      const foreign = await api.rpc(name, args, person.token)
      const none = await api.rpc(name, missing[index]?.[1] ?? {}, person.token)
      expect([name, foreign.status, foreign.body.message]).toEqual([name, 404, 'organization_not_found'])
      expect(JSON.stringify(none.body).replaceAll(MISSING, acme.id)).toBe(JSON.stringify(foreign.body))
    }
  }
  expect(await roleOf(acme, acme.owner)).toBe('owner')
})

test('a member of another organization is no member of this one (member_not_found)', async () => {
  const [acme, other] = [await createOrganization(api), await createOrganization(api)]
  const theirs = await addMember(db, api, other, 'member')
  for (const id of [theirs.id, MISSING]) {
    expect((await change(acme.owner, acme, id, 'admin')).body.message).toBe('member_not_found')
    expect((await remove(acme.owner, acme, id)).body.message).toBe('member_not_found')
    expect((await transfer(acme.owner, acme, id)).body.message).toBe('member_not_found')
  }
  expect(await roleOf(other, theirs)).toBe('member')
})

describe('the last owner', () => {
  const ENDINGS: [how: string, end: (acme: Organization) => Promise<Answer>][] = [
    ['leaves', (acme) => leave(acme.owner, acme)],
    ['removes themselves', (acme) => remove(acme.owner, acme, acme.owner.id)],
    ['becomes a member', (acme) => change(acme.owner, acme, acme.owner.id, 'member')],
  ]
  test.each(ENDINGS)('cannot go: %s (organization_needs_owner)', async (_how, end) => {
    const acme = await createOrganization(api)
    await addMember(db, api, acme, 'admin')
    const answer = await end(acme)
    expect([answer.status, answer.body.message]).toEqual([409, 'organization_needs_owner'])
    expect(await roleOf(acme, acme.owner)).toBe('owner')
  })

  test.each(ENDINGS)('a suspended second owner does not count: %s', async (_how, end) => {
    const acme = await createOrganization(api)
    const second = await addMember(db, api, acme, 'owner')
    await db.owner.query('select ops.suspend_account($1)', [second.email])
    expect((await end(acme)).body.message).toBe('organization_needs_owner')
    await db.owner.query('select ops.restore_account($1)', [second.email])
    expect((await end(acme)).status).toBeLessThan(300)
  })

  const SQL: [how: string, sql: string][] = [
    ['delete', 'delete from core.organization_members where organization_id = $1'],
    ['demotion', `update core.organization_members set role = 'member' where organization_id = $1`],
    ['the end of the account', 'delete from core.users where id = $2 and $1::uuid is not null'],
    [
      'a change of person',
      `with other as (insert into core.users (email, status) values ('gone@example.com', 'suspended') returning id)
      update core.organization_members set user_id = other.id from other where organization_id = $1`,
    ],
  ]
  test.each(SQL)('cannot go by the operator’s SQL either: %s', async (_how, sql) => {
    const acme = await createOrganization(api)
    const args = sql.includes('$2') ? [acme.id, acme.owner.id] : [acme.id]
    await expect(db.owner.query(sql, args)).rejects.toThrow('organization_needs_owner')
  })

  test('two owners who go at the same moment: one of them stays, in 20 rounds', async () => {
    const goes = [
      leave,
      (by: Person, acme: Organization) => change(by, acme, by.id, 'member'),
      (by: Person, acme: Organization) => remove(by, acme, by.id),
    ]
    for (let round = 0; round < 20; round++) {
      const acme = await createOrganization(api)
      const second = await addMember(db, api, acme, 'owner')
      const [one, two] = [goes[round % 3] ?? leave, goes[(round + 1) % 3] ?? leave]
      const answers = await Promise.all([one(acme.owner, acme), two(second, acme)])
      expect(answers.map(({ status }) => status < 300).sort()).toEqual([false, true])
      expect(answers.find(({ status }) => status >= 300)?.body.message).toBe('organization_needs_owner')
    }
  })

  test('two connections that each delete the other owner: the second waits, then is refused', async () => {
    const acme = await createOrganization(api)
    const second = await addMember(db, api, acme, 'owner')
    const [left, right] = [await db.owner.connect(), await db.owner.connect()]
    const sql = 'delete from core.organization_members where organization_id = $1 and user_id = $2'
    try {
      await left.query('begin')
      await right.query('begin')
      await left.query(sql, [acme.id, acme.owner.id])
      const { rows } = await right.query('select pg_backend_pid() as pid')
      const late = right.query(sql, [acme.id, second.id]).catch((error: Error) => error)
      await expect
        .poll(async () => {
          const waiting = await db.superuser.query(
            `select wait_event_type from pg_stat_activity where pid = $1`,
            [rows[0].pid],
          )
          return waiting.rows[0].wait_event_type
        })
        .toBe('Lock')
      await left.query('commit')
      expect(await late).toMatchObject({ message: 'organization_needs_owner' })
    } finally {
      await Promise.all([left.query('rollback'), right.query('rollback')])
      left.release()
      right.release()
    }
    expect(await roleOf(acme, second)).toBe('owner')
  })
})

test('an owner hands over with the password, and is an admin from then on', async () => {
  const acme = await createOrganization(api)
  const heir = await addMember(db, api, acme, 'member')
  const wrong = await transfer(acme.owner, acme, heir.id, 'not the password')
  expect([wrong.status, wrong.body.message]).toEqual([403, 'password_wrong'])
  expect(await roleOf(acme, heir)).toBe('member')
  const answer = await transfer(acme.owner, acme, heir.id)
  expect([answer.status, answer.body]).toEqual([200, { status: 'done' }])
  expect([await roleOf(acme, acme.owner), await roleOf(acme, heir)]).toEqual(['admin', 'owner'])
})

test('nobody hands over to an account that cannot act (organization_needs_owner)', async () => {
  const acme = await createOrganization(api)
  const heir = await addMember(db, api, acme, 'member')
  await db.owner.query('select ops.suspend_account($1)', [heir.email])
  expect((await transfer(acme.owner, acme, heir.id)).body.message).toBe('organization_needs_owner')
  expect([await roleOf(acme, acme.owner), await roleOf(acme, heir)]).toEqual(['owner', 'member'])
})

test('the operator appoints an owner where none can act', async () => {
  const acme = await createOrganization(api)
  const heir = await signUp(api)
  await db.owner.query('select ops.suspend_account($1)', [acme.owner.email])
  await db.owner.query('select ops.appoint_owner($1, $2)', [acme.slug, heir.email])
  await db.owner.query('select ops.appoint_owner($1, $2)', [acme.slug, heir.email])
  expect((await api.get('/organizations', heir.token)).body).toMatchObject([
    { id: acme.id, my_role: 'owner' },
  ])
  await expect(db.owner.query('select ops.appoint_owner($1, $2)', ['nope', heir.email])).rejects.toThrow(
    'organization_not_found',
  )
})
