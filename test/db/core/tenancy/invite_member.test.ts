/** What an organization does with invitations: who may, how many, and what strangers learn. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { anAddress, inviting, NOT_FOUND } from './inviting.ts'
import { addMember, createOrganization } from './story.ts'

let db: TestDatabase
let api: TestApi
let steps: ReturnType<typeof inviting>
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  steps = inviting(db, api)
})
afterAll(() => db.drop())

const MISSING = '0198c0de-0000-7000-8000-00000000000a'

test('only owners and admins invite, see, resend and take back', async () => {
  const acme = await createOrganization(api)
  const admin = await addMember(db, api, acme, 'admin')
  const id = await steps.invite(acme, anAddress())
  expect((await steps.inviteAs(admin, acme, anAddress())).status).toBe(202)
  for (const role of ['member', 'billing'] as const) {
    const other = await addMember(db, api, acme, role)
    expect((await steps.inviteAs(other, acme, anAddress())).body.message).toBe('organization_role_required')
    expect((await api.get('/invitations', other.token)).body).toEqual([])
    for (const call of ['resend_invitation', 'revoke_invitation']) {
      const answer = await api.rpc(call, { invitation_id: id }, other.token)
      expect([answer.status, answer.body.message]).toEqual(NOT_FOUND)
    }
  }
  expect((await api.get('/invitations', admin.token)).body).toHaveLength(2)
  expect((await api.rpc('revoke_invitation', { invitation_id: id }, admin.token)).status).toBe(204)
})

test('strangers, and managers of another organization, get the same for foreign and missing ids (R-22)', async () => {
  const [acme, other] = [await createOrganization(api), await createOrganization(api)]
  const id = await steps.invite(acme, anAddress())
  const removed = await addMember(db, api, acme, 'admin')
  await api.rpc('remove_member', { organization_id: acme.id, user_id: removed.id }, acme.owner.token)
  for (const person of [other.owner, removed]) {
    for (const call of ['resend_invitation', 'revoke_invitation']) {
      const foreign = await api.rpc(call, { invitation_id: id }, person.token)
      const missing = await api.rpc(call, { invitation_id: MISSING }, person.token)
      expect([foreign.status, foreign.body.message]).toEqual(NOT_FOUND)
      expect(JSON.stringify(missing.body).replaceAll(MISSING, id)).toBe(JSON.stringify(foreign.body))
    }
    expect((await steps.inviteAs(person, acme, anAddress())).body.message).toBe('organization_not_found')
    expect((await api.get('/invitations', person.token)).body).toEqual([])
  }
})

test('one open invitation an address, and none for members (invitation_pending, already_member)', async () => {
  const acme = await createOrganization(api)
  const email = anAddress()
  const both = await Promise.all([
    steps.inviteAs(acme.owner, acme, email),
    steps.inviteAs(acme.owner, acme, email.toUpperCase()),
  ])
  expect(both.map(({ status }) => status).sort()).toEqual([202, 409])
  const answer = await steps.inviteAs(acme.owner, acme, acme.owner.email.toUpperCase())
  expect(answer.body.message).toBe('already_member')
})

const REFUSED: [email: unknown, role: string | undefined, key: string][] = [
  ['nobody', undefined, 'email_invalid'],
  [null, undefined, 'email_invalid'],
  ['a@example.com, b@example.com', undefined, 'email_invalid'],
  ['guest@example.com', 'owner', 'invitation_role_invalid'],
  ['guest@example.com', 'root', 'invitation_role_invalid'],
]
test.each(REFUSED)('refuses %j as %s (%s)', async (email, role, key) => {
  const acme = await createOrganization(api)
  expect((await steps.inviteAs(acme.owner, acme, email, role)).body.message).toBe(key)
})

test('an address gets five such mails an hour, whoever invites; the attempt leaves nothing (too_many_attempts)', async () => {
  const email = anAddress()
  for (let n = 0; n < 5; n++) await steps.invite(await createOrganization(api), email)
  const acme = await createOrganization(api)
  const answer = await steps.inviteAs(acme.owner, acme, email)
  expect([answer.status, answer.body.message]).toEqual([429, 'too_many_attempts'])
  expect((await api.get('/invitations', acme.owner.token)).body).toEqual([])
})

test('an organization mails 200 in a day (too_many_attempts)', async () => {
  const acme = await createOrganization(api)
  await db.owner.query(
    `select private.take_attempt(private.attempt_bucket('mail:invitation', $1), 200, '24 hours') from generate_series(1, 199)`,
    [acme.id],
  )
  await steps.invite(acme, anAddress())
  expect((await steps.inviteAs(acme.owner, acme, anAddress())).body.message).toBe('too_many_attempts')
  expect((await api.get('/invitations', acme.owner.token)).body).toHaveLength(1)
})

test('nobody mails more by making one organization after the other (too_many_attempts)', async () => {
  const first = await createOrganization(api)
  await db.owner.query(
    `select private.take_attempt(private.attempt_bucket('mail:invitation', $1), 200, '24 hours') from generate_series(1, 199)`,
    [first.owner.id],
  )
  await steps.invite(first, anAddress())
  const second = await createOrganization(api, first.owner)
  expect((await steps.inviteAs(first.owner, second, anAddress())).body.message).toBe('too_many_attempts')
  const admin = await addMember(db, api, second, 'admin')
  expect((await steps.inviteAs(admin, second, anAddress())).status).toBe(202)
})

test('what was removed comes back by an invitation', async () => {
  const acme = await createOrganization(api)
  const guest = await steps.verified()
  await addMember(db, api, acme, 'member', guest)
  await api.rpc('remove_member', { organization_id: acme.id, user_id: guest.id }, acme.owner.token)
  const id = await steps.invite(acme, guest.email)
  expect((await steps.accept(guest, { invitation_id: id })).status).toBe(200)
  const { rows } = await db.owner.query(
    'select from core.organization_exclusions where organization_id = $1',
    [acme.id],
  )
  expect(rows).toEqual([])
})
