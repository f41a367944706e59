/** Invitations: who may send, see, take back and accept them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { addMember, createOrganization, type Organization } from './story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const MISSING = '0198c0de-0000-7000-8000-00000000000a'
const anAddress = () => `guest-${Math.random().toString(36).slice(2)}@example.com`
const verified = async (email = anAddress()): Promise<Person> => {
  const person = await signUp(api, { email })
  await db.owner.query('update core.users set email_verified_at = now() where id = $1', [person.id])
  return person
}
const inviteRaw = (by: Person, { id }: Organization, email: unknown, role?: string) =>
  api.rpc('invite_member', { organization_id: id, email, ...(role ? { role } : {}) }, by.token)
const invite = async (acme: Organization, email: string, role?: string): Promise<string> => {
  const { status, body } = await inviteRaw(acme.owner, acme, email, role)
  expect([status, body.status]).toEqual([202, 'mail_queued'])
  return body.invitation_id
}
/** What the worker is given for the newest mail of an invitation. */
const mailOf = async (invitationId: string) => {
  const { rows } = await db.owner.query(
    `select core.begin_mail(m.id) as mail from core.mails m where m.invitation_id = $1 and state = 'waiting' order by id desc limit 1`,
    [invitationId],
  )
  return rows[0]?.mail
}
const tokenOf = async (invitationId: string): Promise<string> => (await mailOf(invitationId)).token
const accept = (by: Person, given: Record<string, unknown>) => api.rpc('accept_invitation', given, by.token)
const memberships = async ({ id }: Organization) =>
  (
    await db.owner.query('select user_id, role from core.organization_members where organization_id = $1', [
      id,
    ])
  ).rows
const NOT_FOUND = [404, 'invitation_not_found']

test('the invited reads the mail, accepts, and has the role of the invitation', async () => {
  const acme = await createOrganization(api)
  const guest = await verified()
  const token = await tokenOf(await invite(acme, guest.email, 'billing'))
  expect(token).toMatch(/^[\w-]{43}$/)
  const answer = await accept(guest, { token })
  expect(answer.status).toBe(200)
  expect(answer.body).toMatchObject([{ id: acme.id, my_role: 'billing' }])
  expect((await accept(guest, { token })).body.message).toBe('invitation_not_found')
  expect(await memberships(acme)).toHaveLength(2)
})

test('the token stands nowhere but in the mail', async () => {
  const acme = await createOrganization(api)
  const token = await tokenOf(await invite(acme, anAddress()))
  const { rows } = await db.superuser.query(`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname in ('core', 'private', 'graphile_worker')`)
  expect(rows.length).toBeGreaterThan(20)
  for (const { name } of rows) {
    const found = await db.superuser.query(`select from ${name} t where t::text like $1`, [`%${token}%`])
    expect([name, found.rowCount]).toEqual([name, 0])
  }
})

test('whether the address has an account shows nowhere (A-05)', async () => {
  const acme = await createOrganization(api)
  const suspended = await verified()
  await db.owner.query('select ops.suspend_account($1)', [suspended.email])
  const addresses = [(await verified()).email, (await signUp(api)).email, anAddress(), suspended.email]
  const answers = await Promise.all(addresses.map((email) => inviteRaw(acme.owner, acme, email)))
  const shapes = answers.map(({ status, body, headers }) => ({
    status,
    body: { ...body, invitation_id: null },
    headers: Object.fromEntries([...headers].filter(([name]) => name !== 'date')),
  }))
  for (const shape of shapes) expect(shape).toEqual(shapes[0])
  const seen = (await api.get('/invitations?select=state,role,invited_by', acme.owner.token)).body
  expect(seen).toEqual(Array(4).fill({ state: 'pending', role: 'member', invited_by: acme.owner.id }))
  // A suspended account gets no mail, and that too only the outbox knows.
  expect(await mailOf(answers[3]?.body.invitation_id)).toBeNull()
})

describe('who accepts', () => {
  test('nobody with another address, however they came by the link or the id', async () => {
    const acme = await createOrganization(api)
    const guest = await verified()
    const id = await invite(acme, guest.email)
    const token = await tokenOf(id)
    const thief = await verified()
    for (const given of [{ token }, { invitation_id: id }, { token, invitation_id: id }]) {
      const answer = await accept(thief, given)
      expect([answer.status, answer.body.message]).toEqual(NOT_FOUND)
      const unknown = await accept(thief, { token: 'A'.repeat(43) })
      expect(unknown.body).toEqual(answer.body)
      expect((await api.rpc('decline_invitation', given, thief.token)).body).toEqual(answer.body)
    }
    expect((await accept(guest, { token })).status).toBe(200)
  })

  test('a forwarded link lets in nobody who opened an account in the invited one’s name (email_not_verified)', async () => {
    const acme = await createOrganization(api)
    const email = anAddress()
    const id = await invite(acme, email)
    const token = await tokenOf(id)
    const squatter = await signUp(api, { email })
    const answer = await accept(squatter, { token })
    expect([answer.status, answer.body.message]).toEqual([403, 'email_not_verified'])
    expect((await accept(squatter, { invitation_id: id })).body.message).toBe('invitation_not_found')
    expect((await api.get('/invitations', squatter.token)).body).toEqual([])
    expect(await memberships(acme)).toHaveLength(1)
  })

  // [invited, account]: the same mailbox or two, see core.email_key().
  const PAIRS: [invited: string, account: string, isSame: boolean][] = [
    ['Zoe.K@EXAMPLE.com', 'zoe.k@example.COM', true],
    ['kim@example.com', '\u212aim@example.com', false], // Kelvin sign
    ['iris@example.com', 'İris@example.com', false],
    ['sss@example.com', 'ſss@example.com', false],
    ['ana@example.com', 'аna@example.com', false], // Cyrillic a
    ['jose\u0301@example.com', 'jos\u00e9@example.com', false],
    ['a.b@example.com', 'ab@example.com', false],
    ['a@example.com', 'a+x@example.com', false],
    ['d@bücher.example', 'd@xn--bcher-kva.example', false],
  ]
  test.each(PAIRS)('invited as %s, account of %s: %s (A-18)', async (invited, account, isSame) => {
    const acme = await createOrganization(api)
    const id = await invite(acme, invited)
    const guest = await verified(account)
    const mail = await mailOf(id)
    // To the stored address of the account it belongs to, and to no other.
    expect(mail.recipient).toBe(isSame ? account : invited)
    expect((await api.get('/invitations', guest.token)).body).toHaveLength(isSame ? 1 : 0)
    expect((await accept(guest, { token: mail.token })).status).toBe(isSame ? 200 : 404)
  })

  test('the invited sees the invitation and may decline it, without any token', async () => {
    const acme = await createOrganization(api)
    const guest = await verified()
    const id = await invite(acme, guest.email)
    const rows = (await api.get('/invitations', guest.token)).body
    expect(rows).toMatchObject([{ id, organization_name: 'Acme', state: 'pending', email: guest.email }])
    expect((await api.get('/organizations', guest.token)).body).toEqual([])
    const answer = await api.rpc('decline_invitation', { invitation_id: id }, guest.token)
    expect(answer.status).toBe(204)
    expect((await accept(guest, { invitation_id: id })).body.message).toBe('invitation_not_found')
    expect((await api.get('/invitations', guest.token)).body).toEqual([])
    expect((await api.get('/invitations?select=state', acme.owner.token)).body).toEqual([
      { state: 'declined' },
    ])
  })
})

describe('a link works once (A-17)', () => {
  test('of twenty redemptions at once one succeeds, in five rounds', async () => {
    for (let round = 0; round < 5; round++) {
      const acme = await createOrganization(api)
      const guest = await verified()
      const id = await invite(acme, guest.email)
      const token = await tokenOf(id)
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) => accept(guest, n % 2 ? { token } : { invitation_id: id })),
      )
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(answers.filter(({ body }) => body.message === 'invitation_not_found')).toHaveLength(19)
    }
  })

  test('accepted and taken back at once: either, never both', async () => {
    for (let round = 0; round < 10; round++) {
      const acme = await createOrganization(api)
      const guest = await verified()
      const id = await invite(acme, guest.email)
      const token = await tokenOf(id)
      const [accepted, revoked] = await Promise.all([
        accept(guest, { token }),
        api.rpc('revoke_invitation', { invitation_id: id }, acme.owner.token),
      ])
      expect([accepted.status, revoked.status].sort()).toEqual(
        accepted.status === 200 ? [200, 404] : [204, 404],
      )
      expect(await memberships(acme)).toHaveLength(accepted.status === 200 ? 2 : 1)
    }
  })

  test('sending it again voids the old link at once, before the new mail is out', async () => {
    const acme = await createOrganization(api)
    const guest = await verified()
    const id = await invite(acme, guest.email)
    const old = await tokenOf(id)
    const again = await api.rpc('resend_invitation', { invitation_id: id }, acme.owner.token)
    expect([again.status, again.body]).toEqual([202, { status: 'mail_queued', invitation_id: id }])
    expect((await accept(guest, { token: old })).body.message).toBe('invitation_not_found')
    const token = await tokenOf(id)
    expect((await accept(guest, { token: old })).body.message).toBe('invitation_not_found')
    expect((await accept(guest, { token })).status).toBe(200)
  })

  test('odd tokens are refused like unknown ones', async () => {
    const guest = await verified()
    for (const token of ['', ' ', 'x', '%', 'A'.repeat(5000), '\\x00', "' or true --", 'ä'.repeat(43)]) {
      const answer = await accept(guest, { token })
      expect([token, answer.status, answer.body.message]).toEqual([token, ...NOT_FOUND])
    }
    expect((await accept(guest, {})).body.message).toBe('invitation_not_found')
  })
})

describe('the organization’s side', () => {
  test('only owners and admins invite, see, resend and take back', async () => {
    const acme = await createOrganization(api)
    const admin = await addMember(db, api, acme, 'admin')
    const id = await invite(acme, anAddress())
    expect((await inviteRaw(admin, acme, anAddress())).status).toBe(202)
    for (const role of ['member', 'billing'] as const) {
      const other = await addMember(db, api, acme, role)
      expect((await inviteRaw(other, acme, anAddress())).body.message).toBe('organization_role_required')
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
    const id = await invite(acme, anAddress())
    const removed = await addMember(db, api, acme, 'admin')
    await api.rpc('remove_member', { organization_id: acme.id, user_id: removed.id }, acme.owner.token)
    for (const person of [other.owner, removed]) {
      for (const call of ['resend_invitation', 'revoke_invitation']) {
        const foreign = await api.rpc(call, { invitation_id: id }, person.token)
        const missing = await api.rpc(call, { invitation_id: MISSING }, person.token)
        expect([foreign.status, foreign.body.message]).toEqual(NOT_FOUND)
        expect(JSON.stringify(missing.body).replaceAll(MISSING, id)).toBe(JSON.stringify(foreign.body))
      }
      expect((await inviteRaw(person, acme, anAddress())).body.message).toBe('organization_not_found')
      expect((await api.get('/invitations', person.token)).body).toEqual([])
    }
  })

  test('one open invitation an address, and none for members (invitation_pending, already_member)', async () => {
    const acme = await createOrganization(api)
    const email = anAddress()
    const both = await Promise.all([
      inviteRaw(acme.owner, acme, email),
      inviteRaw(acme.owner, acme, email.toUpperCase()),
    ])
    expect(both.map(({ status }) => status).sort()).toEqual([202, 409])
    const answer = await inviteRaw(acme.owner, acme, acme.owner.email.toUpperCase())
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
    expect((await inviteRaw(acme.owner, acme, email, role)).body.message).toBe(key)
  })

  test('an address gets five such mails an hour, whoever invites; the attempt leaves nothing (too_many_attempts)', async () => {
    const email = anAddress()
    for (let n = 0; n < 5; n++) await invite(await createOrganization(api), email)
    const acme = await createOrganization(api)
    const answer = await inviteRaw(acme.owner, acme, email)
    expect([answer.status, answer.body.message]).toEqual([429, 'too_many_attempts'])
    expect((await api.get('/invitations', acme.owner.token)).body).toEqual([])
  })

  test('an organization mails 200 in a day (too_many_attempts)', async () => {
    const acme = await createOrganization(api)
    await db.owner.query(
      `select private.take_attempt(private.attempt_bucket('mail:invitation', $1), 200, '24 hours') from generate_series(1, 199)`,
      [acme.id],
    )
    await invite(acme, anAddress())
    expect((await inviteRaw(acme.owner, acme, anAddress())).body.message).toBe('too_many_attempts')
    expect((await api.get('/invitations', acme.owner.token)).body).toHaveLength(1)
  })

  test('what was removed comes back by an invitation', async () => {
    const acme = await createOrganization(api)
    const guest = await verified()
    await addMember(db, api, acme, 'member', guest)
    await api.rpc('remove_member', { organization_id: acme.id, user_id: guest.id }, acme.owner.token)
    const id = await invite(acme, guest.email)
    expect((await accept(guest, { invitation_id: id })).status).toBe(200)
    const { rows } = await db.owner.query(
      'select from core.organization_exclusions where organization_id = $1',
      [acme.id],
    )
    expect(rows).toEqual([])
  })
})

test('after seven days the link is dead, the address can be invited anew, and after a month nothing is kept', async () => {
  const acme = await createOrganization(api)
  const guest = await verified()
  const id = await invite(acme, guest.email)
  const token = await tokenOf(id)
  try {
    await setClock(db, '7 days 1 minute')
    // The session is as old as the link.
    const body = (await api.rpc('sign_in', { email: guest.email, password: guest.password })).body
    const late = { ...guest, token: body.access_token }
    expect((await accept(late, { token })).body.message).toBe('invitation_not_found')
    expect((await api.get('/invitations', late.token)).body).toEqual([])
    const owner = {
      ...acme.owner,
      token: (await api.rpc('sign_in', { email: acme.owner.email, password: acme.owner.password })).body
        .access_token,
    }
    expect((await api.get(`/invitations?select=state&id=eq.${id}`, owner.token)).body).toEqual([
      { state: 'expired' },
    ])
    expect((await inviteRaw(owner, acme, guest.email)).status).toBe(202)
    await setClock(db, '37 days 2 minutes')
    await db.owner.query('select core.clean_up_tenancy()')
    const { rows } = await db.owner.query('select state from core.invitations where organization_id = $1', [
      acme.id,
    ])
    expect(rows).toEqual([{ state: 'pending' }])
  } finally {
    await setClock(db, '0')
  }
})
