/** client.auth beyond signing in, against the real API and the real worker. */
import { afterAll, describe, expect, it } from 'vitest'
import { createClient, orThrow } from '../../sdk/src/index.ts'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { openPostOffice } from '../worker/support/post-office.ts'

const db = await testDatabase()
const api = await testApi(db)
const post = await openPostOffice(db)
afterAll(async () => {
  await post[Symbol.asyncDispose]()
  await db.drop()
})
const password = 'correct horse battery'
let count = 0
async function signedUp() {
  const email = `person-${++count}@example.com`
  const client = createClient({ url: api.url })
  await orThrow(client.auth.signUp({ email, password }))
  return { client, email }
}

describe('client.auth', () => {
  it('signs up where a mail decides: no session, no failure of the client (verification_required)', async () => {
    await db.owner.query(`select ops.set_setting('sign_up_mode', '"verify"')`)
    const client = createClient({ url: api.url })
    const email = 'by-mail@example.com'
    const { data, error } = await client.auth.signUp({ email, password })
    await db.owner.query(`select ops.set_setting('sign_up_mode', '"open"')`)
    expect(data).toBeNull()
    expect(error).toMatchObject({
      key: 'verification_required',
      status: 202,
      hint: expect.stringMatching(/link/),
    })
    expect(await client.auth.getSession()).toBeNull()
    expect(await client.auth.verifyEmail(await post.tokenFor(email))).toEqual({ data: null, error: null })
    const session = await orThrow(client.auth.signIn({ email, password }))
    expect(session.user.email).toBe(email)
  })

  it('confirms, resets, changes: each step as a person takes it', async () => {
    const { client, email } = await signedUp()
    expect(await orThrow(client.auth.requestEmailVerification())).toEqual({ status: 'mail_queued' })
    await orThrow(client.auth.verifyEmail(await post.tokenFor(email)))
    expect((await orThrow(client.auth.getUser())).email_verified_at).not.toBeNull()

    expect(await orThrow(client.auth.changePassword(password, 'the second password'))).toEqual({
      ended_session_count: 0,
    })
    expect((await client.auth.changePassword(password, 'the third password')).error).toMatchObject({
      key: 'password_wrong',
      status: 403,
    })
    expect(await client.auth.getSession(), 'a wrong password ends no session').not.toBeNull()

    await orThrow(client.auth.requestPasswordReset(email))
    const token = await post.tokenFor(email, 3)
    expect(await orThrow(client.auth.resetPassword(token, 'the third password'))).toEqual({
      ended_session_count: 1,
    })
    expect((await client.auth.resetPassword(token, 'the third password')).error?.key).toBe('link_invalid')
    await orThrow(client.auth.signIn({ email, password: 'the third password' }))

    await orThrow(client.auth.changeEmail('the third password', `new-${email}`))
    await orThrow(client.auth.verifyEmail(await post.tokenFor(`new-${email}`)))
    expect((await orThrow(client.auth.getUser())).email).toBe(`new-${email}`)
  })

  it('follows a link although the session here has ended', async () => {
    const { client, email } = await signedUp()
    await orThrow(client.auth.requestPasswordReset(email))
    await db.owner.query('select ops.end_sessions($1)', [email])
    const token = await post.tokenFor(email)
    expect((await client.auth.resetPassword(token, 'the second password')).error).toBeNull()
  })

  it('changes the profile', async () => {
    const { client } = await signedUp()
    const account = await orThrow(
      client.auth.updateProfile({ displayName: 'Ada', preferences: { theme: 'dark' }, hasOnboarded: true }),
    )
    expect(account).toMatchObject({
      display_name: 'Ada',
      preferences: { theme: 'dark' },
      has_onboarded: true,
    })
    expect((await client.auth.updateProfile({ timezone: 'Mars/Base' })).error?.key).toBe('timezone_invalid')
  })

  it('ends one session, then all', async () => {
    const { client, email } = await signedUp()
    const phone = createClient({ url: api.url })
    await orThrow(phone.auth.signIn({ email, password }))
    const [other] = await orThrow(client.from('sessions').select('id').eq('is_current', false))
    expect(await client.auth.endSession(other?.id ?? '')).toEqual({ data: null, error: null })
    expect((await phone.auth.getUser()).error?.key).toBe('session_ended')
    expect((await client.auth.endSession(other?.id ?? '')).error?.key).toBe('session_not_found')
    const events: string[] = []
    client.auth.onStateChange((event) => events.push(event))
    expect(await orThrow(client.auth.signOutEverywhere())).toEqual({ ended_session_count: 1 })
    expect([await client.auth.getSession(), events]).toEqual([null, ['signed_out']])
  })
})
