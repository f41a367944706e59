/** The life of an organization, through the SDK alone: mails, DNS and the worker are real. */
import { afterAll, describe, expect, it } from 'vitest'
import { createClient, orThrow } from '../../sdk/src/index.ts'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { startDnsServer } from '../worker/support/dns-server.ts'
import { openPostOffice } from '../worker/support/post-office.ts'

const db = await testDatabase()
const api = await testApi(db)
const dns = await startDnsServer()
const post = await openPostOffice(db, { HOWDAH_DNS_SERVERS: dns.address })
afterAll(async () => {
  await post[Symbol.asyncDispose]()
  await dns[Symbol.asyncDispose]()
  await db.drop()
})

const password = 'correct horse battery'

/** Somebody with a new account and an unconfirmed address. */
async function newcomer(email: string) {
  const client = createClient({ url: api.url })
  const { user } = await orThrow(client.auth.signUp({ email, password }))
  return { client, email, id: user.id }
}
type Someone = Awaited<ReturnType<typeof newcomer>>

/** Has a mail sent, and follows the link in it. */
async function confirmAddress({ client, email }: Someone, mailCount = 1) {
  await orThrow(client.auth.requestEmailVerification())
  await orThrow(client.auth.verifyEmail(await post.tokenFor(email, mailCount)))
}

const ada = await newcomer('ada@engines.example')
const bob = await newcomer('bob@elsewhere.example')
const carol = await newcomer('carol@engines.example')
const acme = await orThrow(
  ada.client.rpc('create_organization', { name: 'Engines', slug: 'engines' }).single(),
)
const organization_id = acme.id

const roles = async ({ client }: Someone) =>
  Object.fromEntries(
    (await orThrow(client.from('organization_members').select('user_id, role'))).map(({ user_id, role }) => [
      user_id,
      role,
    ]),
  )

describe('an organization', () => {
  it('is made by Ada, who owns it; nobody else sees it', async () => {
    expect(acme).toMatchObject({ name: 'Engines', my_role: 'owner', created_by: ada.id })
    expect(await roles(ada)).toEqual({ [ada.id]: 'owner' })
    expect(await orThrow(bob.client.from('organizations').select('id'))).toEqual([])
  })

  it('proves its domain: Ada sets the record, the worker finds it', async () => {
    const domain = await orThrow(
      ada.client.rpc('add_domain', { organization_id, domain: 'engines.example' }).single(),
    )
    expect(domain.verified_at).toBeNull()
    dns.records.set(domain.record_name, [domain.record_value])
    await orThrow(ada.client.rpc('check_domain', { domain_id: domain.id }))
    const isVerified = async () => {
      const { verified_at } = await orThrow(
        ada.client.from('organization_domains').select('verified_at').eq('id', domain.id).single(),
      )
      return verified_at !== null
    }
    await expect.poll(isVerified, { timeout: 10_000 }).toBe(true)
    await orThrow(ada.client.rpc('set_domain_auto_join', { domain_id: domain.id, has_auto_join: true }))
  })

  it('invites Bob by mail; he confirms his address and accepts', async () => {
    await orThrow(ada.client.rpc('invite_member', { organization_id, email: bob.email, role: 'admin' }))
    const token = await post.tokenFor(bob.email)
    expect((await bob.client.rpc('accept_invitation', { token })).error).toMatchObject({
      message: 'email_not_verified',
    })
    await confirmAddress(bob, 2)
    const joined = await orThrow(bob.client.rpc('accept_invitation', { token }).single())
    expect(joined).toMatchObject({ id: organization_id, my_role: 'admin' })
  })

  it('takes Carol in when she confirms her address at its domain', async () => {
    expect(await orThrow(carol.client.from('organizations').select('id'))).toEqual([])
    await confirmAddress(carol)
    expect(await roles(carol)).toEqual({ [ada.id]: 'owner', [bob.id]: 'admin', [carol.id]: 'member' })
  })

  it('has a team with a lead', async () => {
    const team = await orThrow(bob.client.rpc('create_team', { organization_id, name: 'Gears' }).single())
    await orThrow(bob.client.rpc('add_team_member', { team_id: team.id, user_id: carol.id, role: 'lead' }))
    await orThrow(bob.client.rpc('add_team_member', { team_id: team.id, user_id: bob.id }))
    const members = await orThrow(carol.client.from('team_members').select('user_id, role').order('role'))
    expect(members).toEqual([
      { user_id: carol.id, role: 'lead' },
      { user_id: bob.id, role: 'member' },
    ])
    expect((await carol.client.rpc('delete_team', { team_id: team.id })).error).toMatchObject({
      message: 'organization_role_required',
    })
  })

  it('has a workspace in which everybody does what their role lets them', async () => {
    const made = { organization_id, name: 'Workshop', slug: 'workshop' }
    const { id: workspace_id } = await orThrow(ada.client.rpc('create_workspace', made).single())
    const shown = () => carol.client.from('workspaces').select('slug, my_role')
    expect(await orThrow(shown())).toEqual([])
    await orThrow(ada.client.rpc('add_workspace_member', { workspace_id, user_id: carol.id }))
    expect(await orThrow(shown())).toEqual([{ slug: 'workshop', my_role: 'viewer' }])
    const rename = () => carol.client.rpc('update_workspace', { workspace_id, name: 'Carol’s workshop' })
    expect((await rename()).error).toMatchObject({ message: 'workspace_role_required' })
    const promotion = { workspace_id, user_id: carol.id, role: 'owner' }
    await orThrow(ada.client.rpc('change_workspace_member_role', promotion))
    expect(await orThrow(rename().single())).toMatchObject({ name: 'Carol’s workshop', my_role: 'owner' })
    // Bob is an admin of the organization, so he is at home in each of its workspaces.
    await orThrow(bob.client.rpc('archive_workspace', { workspace_id }))
    expect((await rename()).error).toMatchObject({ message: 'workspace_archived' })
    await orThrow(bob.client.rpc('restore_workspace', { workspace_id }))
  })

  it('removes Carol, who is out of everything at her next request', async () => {
    await orThrow(bob.client.rpc('remove_member', { organization_id, user_id: carol.id }))
    for (const view of ['organizations', 'organization_members', 'teams', 'workspaces'] as const) {
      expect(await orThrow(carol.client.from(view).select('*')), view).toEqual([])
    }
    expect(await carol.client.auth.getSession(), 'her account goes on').not.toBeNull()
    expect((await carol.client.rpc('join_organization_by_domain')).error).toMatchObject({
      message: 'no_organization_to_join',
    })
  })

  it('is handed over to Bob, and Ada leaves', async () => {
    const leave = () => ada.client.rpc('leave_organization', { organization_id })
    expect((await leave()).error).toMatchObject({ message: 'organization_needs_owner' })
    await orThrow(ada.client.rpc('transfer_ownership', { organization_id, user_id: bob.id, password }))
    expect(await roles(ada)).toEqual({ [ada.id]: 'admin', [bob.id]: 'owner' })
    expect((await leave()).error).toBeNull()
    expect(await roles(bob)).toEqual({ [bob.id]: 'owner' })
  })

  it('is deleted by Bob with his password, and nothing of it is left', async () => {
    const wrong = await bob.client.rpc('delete_organization', { organization_id, password: 'a guess' })
    expect(wrong.error).toMatchObject({ message: 'password_wrong' })
    await orThrow(bob.client.rpc('delete_organization', { organization_id, password }))
    const views = [
      'organizations',
      'organization_members',
      'organization_domains',
      'teams',
      'workspaces',
    ] as const
    for (const view of views) expect(await orThrow(bob.client.from(view).select('*')), view).toEqual([])
    const { rows } = await db.owner.query<{ relation: string }>(
      `select distinct relation from core.audit_log where operation = 'delete' and tenant_id = $1`,
      [organization_id],
    )
    expect(
      rows.map(({ relation }) => relation),
      'what happened is still told',
    ).toEqual(expect.arrayContaining(['core.organization_domains', 'core.teams', 'core.workspaces']))
  })
})
