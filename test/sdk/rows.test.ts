/** The generated schemas take everything the real API answers with. */
import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import {
  args,
  createClient,
  type Database,
  isSecondFactorRequired,
  orThrow,
  results,
  rows,
} from '../../sdk/src/index.ts'
import { event } from '../db/core/analytics/events.ts'
import { believe, makeIssuer, person } from '../db/core/identities/issuer.ts'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { makeAcme } from './acme.ts'
import { dataExportCalls } from './data-export-calls.ts'
import { askedOnce, leaving } from './leaving.ts'
import { openNewsroom } from './news.ts'
import { PRIVACY_CALLS } from './privacy.ts'
import { makeWebPushKeys } from './web-push-keys.ts'

type Name = keyof Database['api']['Functions']
const db = await testDatabase()
const api = await testApi(db)
const newsroom = await openNewsroom(db)
await newsroom.publish(0)
afterAll(() => db.drop())

const client = createClient({ url: api.url })
const credentials = { email: 'ada@example.com', password: 'correct horse battery' }
const session = await orThrow(client.auth.signUp({ ...credentials, displayName: 'Ada' }))
const { cards } = await orThrow(client.briefings.today())
const card = cards[0]
if (!card) throw new Error('no card in the first briefing')
const source = card.source.id

const carol = await orThrow(
  createClient({ url: api.url }).auth.signUp({ email: 'carol@example.com', password: 'a third horse' }),
)
const newPassword = 'another horse battery'
/** A token as the worker gets it for a mail. */
async function mailedToken(purpose: string, user: { id: string; email: string }): Promise<string> {
  const { rows } = await db.owner.query<{ token: string }>(
    'select private.issue_one_time_token($1, $2, null, $3) as token',
    [purpose, user.id, user.email],
  )
  return rows[0]?.token ?? ''
}
const verifyToken = await mailedToken('verify_email', session.user)
const resetToken = await mailedToken('reset_password', carol.user)
await db.owner.query(`select core.notify($1, 'announcement', 'Hello', 'Body', '{"screen": "news"}')`, [
  session.user.id,
])
await makeWebPushKeys(db)
const copies = dataExportCalls(db, api, client, newPassword)
const { acme, domainId, openInvitation, other } = await makeAcme(db, client, carol.user.id)

async function invitationOfAda(): Promise<string> {
  const dora = createClient({ url: api.url })
  await orThrow(dora.auth.signUp({ email: 'dora@example.com', password: 'a third horse' }))
  const theirs = await orThrow(dora.rpc('create_organization', { name: 'Looms', slug: 'looms' }))
  const invite = { organization_id: theirs[0]?.id ?? '', email: credentials.email }
  const { invitation_id } = await orThrow(dora.rpc('invite_member', invite))
  return invitation_id
}

const society = await orThrow(
  client.rpc('create_organization', { name: 'Difference Engines', slug: 'difference-engines' }).single(),
)
await db.owner.query(
  `insert into core.organization_members (organization_id, user_id, role) values ($1, $2, 'member')`,
  [society.id, carol.user.id],
)
const team = await orThrow(client.rpc('create_team', { organization_id: society.id, name: 'Gears' }).single())
const [lab, den] = await Promise.all(
  ['lab', 'den'].map((slug) =>
    orThrow(client.rpc('create_workspace', { organization_id: society.id, name: slug, slug }).single()),
  ),
)
if (!lab || !den) throw new Error('two workspaces were asked for')
await orThrow(client.rpc('add_workspace_member', { workspace_id: den.id, user_id: carol.user.id }))
await orThrow(client.rpc('add_team_member', { team_id: team.id, user_id: carol.user.id }))
await db.owner.query(
  `insert into core.plans (key, name, audience, limits, features, trial_days, is_public)
  values ('pro', 'Pro', 'user', '{"members": null, "teams": 3}', '{"export": true}', 14, true)`,
)

// An issuer with an identity of Ada's; its keys come as the worker would bring them.
const issuer = await makeIssuer()
await believe(db, issuer)
const identity = { token: await issuer.token(person('ada-there')), password: credentials.password }

await askedOnce(db, session.user.id)
// Whoever helps keeps the rights of a user and gets one call more.
await db.owner.query(`update core.users set role = 'support' where id = $1`, [session.user.id])

/** An example call of every function, in an order in which they work. */
const CALLS: Partial<Record<Name, Record<string, unknown>>> = {
  health: {},
  me: {},
  sign_up: { ...credentials, email: 'bob@example.com' },
  sign_in: { ...credentials, device_fingerprint: 'fingerprint', device_name: null },
  follow_source: { source_id: source },
  follow_topic: { topic: 'space' },
  unfollow_topic: { topic: 'money' },
  generate_briefing: { edition: 'evening', briefing_date: null, refresh: true },
  today_briefing: {},
  give_feedback: { card_id: card.id, kind: 'dwell', dwell_seconds: 12 },
  save_card: { card_id: card.id, tags: ['a'], note: null },
  search_content: { query: 'report' },
  search_saved_cards: {},
  update_profile: { display_name: 'Ada L.', preferences: { theme: 'dark' }, has_onboarded: true },
  request_email_verification: {},
  verify_email: { token: verifyToken },
  create_organization: { name: 'Analytical Engines', slug: 'analytical-engines' },
  update_organization: { ...acme, settings: { beta: true }, branding: { primary_color: '#1a2b3c' } },
  change_member_role: { ...acme, user_id: carol.user.id, role: 'billing' },
  invite_member: { ...acme, email: 'guest@example.com' },
  resend_invitation: { invitation_id: openInvitation },
  accept_invitation: { invitation_id: await invitationOfAda() },
  add_domain: { ...acme, domain: 'engines.example' },
  check_domain: { domain_id: domainId },
  set_domain_auto_join: { domain_id: domainId, has_auto_join: true },
  join_organization_by_domain: {},
  reset_password: { token: resetToken, new_password: newPassword },
  request_password_reset: { email: 'nobody@example.com' },
  sign_in_with_identity: { token: await issuer.token(person('erin')), nonce: null },
  link_identity: identity,
  find_account_for_support: { email: 'carol@example.com' },
  change_email: { password: credentials.password, new_email: 'countess@example.com' },
  change_password: { current_password: credentials.password, new_password: newPassword },
  create_team: { organization_id: society.id, name: 'Levers' },
  update_team: { team_id: team.id, name: 'Wheels' },
  add_team_member: { team_id: team.id, user_id: session.user.id, role: 'lead' },
  create_workspace: { organization_id: society.id, name: 'Loft', slug: 'loft' },
  update_workspace: { workspace_id: lab.id, settings: { colour: 'red' } },
  archive_workspace: { workspace_id: lab.id },
  restore_workspace: { workspace_id: lab.id },
  add_workspace_member: { workspace_id: lab.id, user_id: carol.user.id, role: 'viewer' },
  change_workspace_member_role: { workspace_id: lab.id, user_id: carol.user.id, role: 'owner' },
  track_events: { events: [event({ properties: { a: 1 } })], sent_at: new Date().toISOString() },
  update_briefing_preferences: { preferences: { card_limit: 5 } },
  start_trial: { plan: 'pro' },
  current_plan: {},
  web_push_public_key: {},
  register_notification_token: {
    platform: 'ios',
    token: 'ab'.repeat(32),
    device_name: 'Phone',
    locale: 'en',
  },
  update_notification_preferences: { kind: 'announcement', channels: ['inbox'] },
  set_quiet_hours: { starts_at: '22:00', ends_at: '07:00' },
  mark_notifications_read: { notification_ids: [randomUUID()] },
  mark_all_notifications_read: {},
  ...copies.first,
  ...PRIVACY_CALLS,
}
const guardedCredentials = { ...credentials, password: newPassword }
let recoveryCodes: string[] = []

/** What Ada's authenticator app shows now, or some half minutes from now. */
async function totpCode(ahead = 0): Promise<string> {
  const { rows } = await db.owner.query<{ code: string }>(
    `select core.hotp(f.secret, core.totp_step(core.now()) + $2) as code
     from private.totp_factors as f where f.user_id = $1`,
    [session.user.id, ahead],
  )
  return rows[0]?.code ?? ''
}

/** New codes of hers: those that the API told went by here. */
async function newRecoveryCodes(): Promise<string[]> {
  const { rows } = await db.owner.query<{ codes: string[] }>(
    'select private.issue_recovery_codes($1) as codes',
    [session.user.id],
  )
  return rows[0]?.codes ?? []
}

/** What Ada's password is answered with once the second factor is on. */
async function challenge(): Promise<{ challenge_id: string; challenge_secret: string }> {
  const { error } = await createClient({ url: api.url }).auth.signIn(guardedCredentials)
  if (!isSecondFactorRequired(error)) throw new Error('sign_in asked for no second factor')
  return { challenge_id: error.challenge.id, challenge_secret: error.challenge.secret }
}

/** Those that take something away come last. */
const LAST: Partial<Record<Name, () => Record<string, unknown> | Promise<Record<string, unknown>>>> = {
  remove_team_member: () => ({ team_id: team.id, user_id: carol.user.id }),
  leave_team: () => ({ team_id: team.id }),
  delete_team: () => ({ team_id: team.id }),
  remove_workspace_member: () => ({ workspace_id: den.id, user_id: carol.user.id }),
  leave_workspace: () => ({ workspace_id: lab.id }),
  delete_workspace: () => ({ workspace_id: den.id, password: newPassword }),
  unregister_notification_token: async () => {
    const [device] = await orThrow(client.from('notification_tokens').select('id').limit(1))
    return { token_id: device?.id }
  },
  ...copies.last,
  start_totp_enrollment: () => ({ password: newPassword }),
  confirm_totp_enrollment: async () => ({ code: await totpCode() }),
  second_factor_state: () => ({}),
  sign_in_with_totp: async () => ({ ...(await challenge()), code: await totpCode(1) }),
  regenerate_recovery_codes: async () => {
    recoveryCodes = await newRecoveryCodes()
    return { password: newPassword, code: recoveryCodes[0] }
  },
  sign_in_with_recovery_code: async () => {
    recoveryCodes = await newRecoveryCodes()
    return { ...(await challenge()), recovery_code: recoveryCodes[0] }
  },
  disable_totp: () => ({ password: newPassword, code: recoveryCodes[1] }),
  unlink_identity: async () => {
    const [linked] = await orThrow(client.from('identities').select('id').limit(1))
    return { identity_id: linked?.id, password: newPassword }
  },
  end_session: async () => {
    await orThrow(createClient({ url: api.url }).auth.signIn({ ...credentials, password: newPassword }))
    const [other] = await orThrow(client.from('sessions').select('id').eq('is_current', false).limit(1))
    return { session_id: other?.id }
  },
  decline_invitation: async () => {
    await db.owner.query('update core.invitations set email = $2 where id = $1', [other, credentials.email])
    return { invitation_id: other }
  },
  revoke_invitation: () => ({ invitation_id: openInvitation }),
  remove_domain: () => ({ domain_id: domainId }),
  transfer_ownership: () => ({ ...acme, user_id: carol.user.id, password: newPassword }),
  leave_organization: () => acme,
  remove_member: async () => {
    await db.owner.query('select ops.appoint_owner($1, $2)', ['acme', credentials.email])
    return { ...acme, user_id: carol.user.id }
  },
  delete_organization: () => ({ ...acme, password: newPassword }),
  ...leaving(db, newPassword),
  unfollow_source: () => ({ source_id: source }),
  refresh_session: () => ({ refresh_token: session.refreshToken }),
  sign_out: () => ({}),
  sign_out_everywhere: async () => {
    await orThrow(client.auth.signIn({ ...credentials, password: newPassword }))
    return {}
  },
}

async function call(name: Name, given: Record<string, unknown>): Promise<void> {
  expect(args[name].safeParse(given).error, `arguments of ${name}`).toBeUndefined()
  const answer = await client.rpc(name, given as never)
  expect(answer.error, name).toBeNull()
  const schema: z.ZodType = results[name]
  expect(schema.safeParse(answer.data).error, `result of ${name}`).toBeUndefined()
}

describe('the result of', () => {
  it('every function has an example here', () => {
    const examples = [...Object.keys(CALLS), ...Object.keys(LAST)].sort()
    expect(examples, 'write an example call of the new function into CALLS').toEqual(Object.keys(args).sort())
  })

  it.each(Object.entries(CALLS) as [Name, Record<string, unknown>][])('%s', (name, given) =>
    call(name, given),
  )
})

/** What only an admin may read: somebody who became one, and events to count. */
const ADMINS: readonly (keyof typeof rows)[] = ['analytics_daily', 'analytics_hourly']
const chief = createClient({ url: api.url })
const chiefCredentials = { email: 'chief@example.com', password: 'correct horse battery' }
await orThrow(chief.auth.signUp(chiefCredentials))
await db.owner.query(`update core.users set role = 'admin' where email = 'chief@example.com'`)
await orThrow(chief.auth.signIn(chiefCredentials))
await orThrow(chief.rpc('give_consent', { purpose: 'analytics', version: 1 }))
chief.analytics.track('page.viewed')
await chief.analytics.flush()
await db.owner.query('select core.roll_up_events()')

describe('every row of', () => {
  it.each(Object.keys(rows) as (keyof typeof rows)[])('%s', async (view) => {
    const found: unknown[] = await orThrow(
      (ADMINS.includes(view) ? chief : client).from(view as 'users').select('*'),
    )
    expect(found.length, `${view} is empty here`).toBeGreaterThan(0)
    const schema: z.ZodType = rows[view]
    for (const row of found) {
      const parsed = schema.safeParse(row)
      expect(parsed.error, JSON.stringify(row)).toBeUndefined()
      // Nothing was dropped: the schema knows every column.
      expect(parsed.data).toEqual(row)
    }
  })
})

describe('and last', () => {
  it.each(Object.entries(LAST) as [Name, () => Record<string, unknown>][])('%s', async (name, given) =>
    call(name, await given()),
  )
})
