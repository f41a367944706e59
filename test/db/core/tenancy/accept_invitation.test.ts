/** Accepting: by whom, how often, until when; and that nobody learns of accounts. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'
import { anAddress, inviting, NOT_FOUND } from './inviting.ts'
import { createOrganization } from './story.ts'

let db: TestDatabase
let api: TestApi
let steps: ReturnType<typeof inviting>
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  steps = inviting(db, api)
})
afterAll(() => db.drop())

test('the invited reads the mail, accepts, and has the role of the invitation', async () => {
  const acme = await createOrganization(api)
  const guest = await steps.verified()
  const token = await steps.tokenOf(await steps.invite(acme, guest.email, 'billing'))
  expect(token).toMatch(/^[\w-]{43}$/)
  const answer = await steps.accept(guest, { token })
  expect(answer.status).toBe(200)
  expect(answer.body).toMatchObject([{ id: acme.id, my_role: 'billing' }])
  expect((await steps.accept(guest, { token })).body.message).toBe('invitation_not_found')
  expect(await steps.memberCount(acme)).toBe(2)
})

test('the token stands nowhere but in the mail', async () => {
  const acme = await createOrganization(api)
  const token = await steps.tokenOf(await steps.invite(acme, anAddress()))
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
  const suspended = await steps.verified()
  await db.owner.query('select ops.suspend_account($1)', [suspended.email])
  const addresses = [(await steps.verified()).email, (await signUp(api)).email, anAddress(), suspended.email]
  const answers = await Promise.all(addresses.map((email) => steps.inviteAs(acme.owner, acme, email)))
  const shapes = answers.map(({ status, body, headers }) => ({
    status,
    body: { ...body, invitation_id: null },
    headers: Object.fromEntries([...headers].filter(([name]) => name !== 'date')),
  }))
  for (const shape of shapes) expect(shape).toEqual(shapes[0])
  const seen = (await api.get('/invitations?select=state,role,invited_by', acme.owner.token)).body
  expect(seen).toEqual(Array(4).fill({ state: 'pending', role: 'member', invited_by: acme.owner.id }))
  // A suspended account gets no mail, and that too only the outbox knows.
  expect(await steps.mailOf(answers[3]?.body.invitation_id)).toBeNull()
})

describe('who accepts', () => {
  test('nobody with another address, however they came by the link or the id', async () => {
    const acme = await createOrganization(api)
    const guest = await steps.verified()
    const id = await steps.invite(acme, guest.email)
    const token = await steps.tokenOf(id)
    const thief = await steps.verified()
    for (const given of [{ token }, { invitation_id: id }, { token, invitation_id: id }]) {
      const answer = await steps.accept(thief, given)
      expect([answer.status, answer.body.message]).toEqual(NOT_FOUND)
      const unknown = await steps.accept(thief, { token: 'A'.repeat(43) })
      expect(unknown.body).toEqual(answer.body)
      expect((await api.rpc('decline_invitation', given, thief.token)).body).toEqual(answer.body)
    }
    expect((await steps.accept(guest, { token })).status).toBe(200)
  })

  test('a forwarded link lets in nobody who opened an account in the invited one’s name (email_not_verified)', async () => {
    const acme = await createOrganization(api)
    const email = anAddress()
    const id = await steps.invite(acme, email)
    const token = await steps.tokenOf(id)
    const squatter = await signUp(api, { email })
    const answer = await steps.accept(squatter, { token })
    expect([answer.status, answer.body.message]).toEqual([403, 'email_not_verified'])
    expect((await steps.accept(squatter, { invitation_id: id })).body.message).toBe('invitation_not_found')
    expect((await api.get('/invitations', squatter.token)).body).toEqual([])
    expect(await steps.memberCount(acme)).toBe(1)
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
    const id = await steps.invite(acme, invited)
    const guest = await steps.verified(account)
    const mail = await steps.mailOf(id)
    // To the stored address of the account it belongs to, and to no other.
    expect(mail.recipient).toBe(isSame ? account : invited)
    expect((await api.get('/invitations', guest.token)).body).toHaveLength(isSame ? 1 : 0)
    expect((await steps.accept(guest, { token: mail.token })).status).toBe(isSame ? 200 : 404)
  })

  test('the invited sees the invitation and may decline it, without any token', async () => {
    const acme = await createOrganization(api)
    const guest = await steps.verified()
    const id = await steps.invite(acme, guest.email)
    const rows = (await api.get('/invitations', guest.token)).body
    expect(rows).toMatchObject([{ id, organization_name: 'Acme', state: 'pending', email: guest.email }])
    expect((await api.get('/organizations', guest.token)).body).toEqual([])
    const answer = await api.rpc('decline_invitation', { invitation_id: id }, guest.token)
    expect(answer.status).toBe(204)
    expect((await steps.accept(guest, { invitation_id: id })).body.message).toBe('invitation_not_found')
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
      const guest = await steps.verified()
      const id = await steps.invite(acme, guest.email)
      const token = await steps.tokenOf(id)
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) => steps.accept(guest, n % 2 ? { token } : { invitation_id: id })),
      )
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(answers.filter(({ body }) => body.message === 'invitation_not_found')).toHaveLength(19)
    }
  })

  test('accepted and taken back at once: either, never both', async () => {
    for (let round = 0; round < 10; round++) {
      const acme = await createOrganization(api)
      const guest = await steps.verified()
      const id = await steps.invite(acme, guest.email)
      const token = await steps.tokenOf(id)
      const [accepted, revoked] = await Promise.all([
        steps.accept(guest, { token }),
        api.rpc('revoke_invitation', { invitation_id: id }, acme.owner.token),
      ])
      expect([accepted.status, revoked.status].sort()).toEqual(
        accepted.status === 200 ? [200, 404] : [204, 404],
      )
      expect(await steps.memberCount(acme)).toBe(accepted.status === 200 ? 2 : 1)
    }
  })

  test('sending it again voids the old link at once, before the new mail is out', async () => {
    const acme = await createOrganization(api)
    const guest = await steps.verified()
    const id = await steps.invite(acme, guest.email)
    const old = await steps.tokenOf(id)
    const again = await api.rpc('resend_invitation', { invitation_id: id }, acme.owner.token)
    expect([again.status, again.body]).toEqual([202, { status: 'mail_queued', invitation_id: id }])
    expect((await steps.accept(guest, { token: old })).body.message).toBe('invitation_not_found')
    const token = await steps.tokenOf(id)
    expect((await steps.accept(guest, { token: old })).body.message).toBe('invitation_not_found')
    expect((await steps.accept(guest, { token })).status).toBe(200)
  })

  test('odd tokens are refused like unknown ones', async () => {
    const guest = await steps.verified()
    for (const token of ['', ' ', 'x', '%', 'A'.repeat(5000), '\\x00', "' or true --", 'ä'.repeat(43)]) {
      const answer = await steps.accept(guest, { token })
      expect([token, answer.status, answer.body.message]).toEqual([token, ...NOT_FOUND])
    }
    expect((await steps.accept(guest, {})).body.message).toBe('invitation_not_found')
  })
})

test('after seven days the link is dead, the address can be invited anew, and after a month nothing is kept', async () => {
  const acme = await createOrganization(api)
  const guest = await steps.verified()
  const id = await steps.invite(acme, guest.email)
  const token = await steps.tokenOf(id)
  try {
    await setClock(db, '7 days 1 minute')
    // The session is as old as the link.
    const body = (await api.rpc('sign_in', { email: guest.email, password: guest.password })).body
    const late = { ...guest, token: body.access_token }
    expect((await steps.accept(late, { token })).body.message).toBe('invitation_not_found')
    expect((await api.get('/invitations', late.token)).body).toEqual([])
    const owner = {
      ...acme.owner,
      token: (await api.rpc('sign_in', { email: acme.owner.email, password: acme.owner.password })).body
        .access_token,
    }
    expect((await api.get(`/invitations?select=state&id=eq.${id}`, owner.token)).body).toEqual([
      { state: 'expired' },
    ])
    expect((await steps.inviteAs(owner, acme, guest.email)).status).toBe(202)
    await setClock(db, '37 days 2 minutes')
    await db.owner.query(`select gdpr.clean_up_batch('invitations')`)
    const { rows } = await db.owner.query('select state from core.invitations where organization_id = $1', [
      acme.id,
    ])
    expect(rows).toEqual([{ state: 'pending' }])
  } finally {
    await setClock(db, '0')
  }
})
