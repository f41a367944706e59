/** The mail of an invitation, through a real worker and a real mail server. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type TestApi, testApi } from '../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { signUp } from '../../setup/story.ts'
import { openPostOffice, type PostOffice } from '../support/post-office.ts'

let db: TestDatabase
let api: TestApi
let office: PostOffice
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  office = await openPostOffice(db)
})
afterAll(async () => {
  await office[Symbol.asyncDispose]()
  await db.drop()
})

async function invited(email: string, given: { name?: string; locale?: string } = {}) {
  const owner = await signUp(api, { locale: given.locale ?? 'en' })
  const slug = `org-${owner.id.slice(-12)}`
  const made = await api.rpc('create_organization', { name: given.name ?? 'Acme & Söhne', slug }, owner.token)
  const answer = await api.rpc('invite_member', { organization_id: made.body[0].id, email }, owner.token)
  return { owner, organizationId: made.body[0].id, invitationId: answer.body.invitation_id }
}

test('somebody without an account gets it in the inviter’s language, opens one, and is in', async () => {
  const email = 'neu@example.com'
  const { organizationId } = await invited(email, { locale: 'de-DE' })
  const mail = await office.mails.mailFor(email)
  expect(mail.message.subject).toBe('Eine Einladung zu Howdah')
  expect(mail.message.text).toContain('„Acme & Söhne“')
  expect(mail.message.text).toMatch(/\/accept-invitation#token=[\w-]{43}/)
  expect(mail.message.html).toContain('<html lang="de">')
  const guest = await signUp(api, { email })
  await api.rpc('request_email_verification', {}, guest.token)
  await api.rpc('verify_email', { token: await office.tokenFor(email, 2) })
  const [first] = office.mails.received.filter(({ to }) => to === email)
  const token = /#token=([\w-]{43})/.exec(first?.message.text ?? '')?.[1]
  const answer = await api.rpc('accept_invitation', { token }, guest.token)
  expect(answer.body).toMatchObject([{ id: organizationId, my_role: 'member' }])
})

test('an account gets it in its own language, at the address it gave', async () => {
  await signUp(api, { email: 'Konto@Example.com', locale: 'de' })
  await invited('konto@example.COM')
  const mail = await office.mails.mailFor('Konto@Example.com')
  expect(mail.message.subject).toBe('Eine Einladung zu Howdah')
})

test('a name that wants to be a link or markup becomes plain words', async () => {
  const email = 'target@example.com'
  await invited(email, { name: 'Win <b>now</b> https://evil.example/?x=1 www.evil.example' })
  const { message } = await office.mails.mailFor(email)
  expect(message.subject).toBe('An invitation to Howdah')
  for (const part of [message.text ?? '', message.html ?? '']) {
    expect(part).not.toMatch(/evil\.example|:\/\/evil|<b>/)
  }
})

test('what was taken back before the mail went out goes to nobody', async () => {
  const email = 'late@example.com'
  const { owner, invitationId } = await invited(email)
  await office.mails.mailFor(email)
  await api.rpc('revoke_invitation', { invitation_id: invitationId }, owner.token)
  // A mail that waited for its mail server until now.
  await db.owner.query(`select private.queue_mail('invitation', invitation_id => $1)`, [invitationId])
  await vi.waitFor(async () => {
    const { rows } = await db.owner.query(
      'select state, recipient from core.mails where invitation_id = $1 order by id desc limit 1',
      [invitationId],
    )
    expect(rows).toEqual([{ state: 'skipped', recipient: null }])
  }, 5000)
  expect(office.mails.received.filter(({ to }) => to === email)).toHaveLength(1)
})
