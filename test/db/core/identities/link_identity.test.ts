/** Linking and unlinking: who has to prove what, and that nobody is locked out by it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { signUpGuarded } from '../second_factor/authenticator.ts'
import { believe, type Issuer, makeIssuer, person } from './issuer.ts'

let db: TestDatabase
let api: TestApi
let issuer: Issuer
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  issuer = await makeIssuer()
  await believe(db, issuer)
})
afterAll(() => db.drop())

const confirmed = async (someone: Person) => {
  await db.owner.query('update core.users set email_verified_at = now() where id = $1', [someone.id])
  return someone
}
const link = async (someone: Person, name: string, args: Record<string, unknown> = {}) =>
  api.rpc(
    'link_identity',
    { token: await issuer.token(person(name)), password: someone.password, ...args },
    someone.token,
  )
const enter = async (name: string) =>
  api.rpc('sign_in_with_identity', { token: await issuer.token(person(name)) })
const identitiesOf = async (token: string) => (await api.get('/identities', token)).body
const fresh = (name: string, claims = {}) => issuer.token({ ...person(name), ...claims })

test('a linked identity signs in to the account, whatever its address', async () => {
  const ada = await confirmed(await signUp(api))
  const linked = await link(ada, 'ada')
  expect([linked.status, linked.body]).toEqual([200, { issuer: issuer.issuer }])
  expect((await enter('ada')).body.user.id).toBe(ada.id)
  const { rows } = await db.owner.query(
    `select (select array_agg(kind) from core.mails where user_id = $1) as mails,
       (select array_agg(operation order by id) from core.audit_log where subject_id = $1 and kind = 'security') as events`,
    [ada.id],
  )
  expect(rows[0].mails).toContain('identity_linked')
  expect(rows[0].events).toContain('identity_linked')
})

test('a refused token may be linked after signing in: it was not used yet', async () => {
  const owner = await confirmed(await signUp(api, { email: 'refused@example.com' }))
  const token = await issuer.token(person('refused'))
  expect((await api.rpc('sign_in_with_identity', { token })).body.message).toBe('identity_not_linked')
  const args = { token, password: owner.password }
  expect((await api.rpc('link_identity', args, owner.token)).status).toBe(200)
  expect((await api.rpc('sign_in_with_identity', { token })).body.message).toBe('identity_token_used')
})

test('linking needs a session, the password, a confirmed address and a token that nobody has used', async () => {
  const bob = await signUp(api)
  const token = await issuer.token(person('bob'))
  expect((await api.rpc('link_identity', { token, password: bob.password })).status).toBe(401)
  expect((await link(bob, 'bob', { password: 'wrong wrong wrong' })).body.message).toBe('password_wrong')
  // A token in place of the password counts only where there is no password.
  expect((await link(bob, 'bob', { password: await fresh('bob') })).body.message).toBe('password_wrong')
  // Whoever signed up with another's address must not leave a way in for the day its owner comes.
  expect((await link(bob, 'bob')).body.message).toBe('email_not_verified')
  await confirmed(bob)
  expect((await link(bob, 'bob', { token: `${token}x` })).body.message).toBe('identity_token_invalid')
  expect((await link(bob, 'bob', { nonce: 'unasked' })).body.message).toBe('identity_token_invalid')
  expect((await link(bob, 'bob', { token })).status).toBe(200)
  const eve = await confirmed(await signUp(api))
  expect((await link(eve, 'eve', { token })).body.message).toBe('identity_token_used')
  expect((await link(eve, 'bob')).body.message).toBe('identity_taken')
  expect(await identitiesOf(eve.token)).toEqual([])
})

test('with a second factor on, linking asks for it too: an identity would go round it', async () => {
  const guarded = await confirmed(await signUpGuarded(api, db))
  expect((await link(guarded, 'guarded')).body.message).toBe('second_factor_wrong')
  expect((await link(guarded, 'guarded', { code: '000000' })).body.message).toBe('second_factor_wrong')
  const code = (guarded as unknown as { recoveryCodes: string[] }).recoveryCodes[0]
  expect((await link(guarded, 'guarded', { code })).status).toBe(200)
})

test('unlinking ends other sessions, and leaves other people alone', async () => {
  const ada = await confirmed(await signUp(api))
  await link(ada, 'unlink')
  const other = await enter('unlink')
  const [identity] = await identitiesOf(ada.token)
  const eve = await signUp(api)
  const unlink = (someone: Person, password = someone.password) =>
    api.rpc('unlink_identity', { identity_id: identity.id, password }, someone.token)
  expect((await unlink(eve)).body.message).toBe('identity_not_found')
  expect((await unlink(ada, 'wrong wrong wrong')).body.message).toBe('password_wrong')
  expect((await unlink(ada)).body).toEqual({ ended_session_count: 1 })
  expect((await api.rpc('me', {}, other.body.access_token)).body.message).toBe('session_ended')
  expect((await unlink(ada)).body.message).toBe('identity_not_found')
})

test('an account without a password proves itself by a fresh token; its last way in stays', async () => {
  const { body } = await enter('bare')
  const token = body.access_token
  const [identity] = await identitiesOf(token)
  const unlink = (identity_id: string, password: string) =>
    api.rpc('unlink_identity', { identity_id, password }, token)
  const old = Math.floor(Date.now() / 1000) - 400
  for (const stale of [
    'anything',
    '',
    await fresh('bare', { iat: old }),
    await fresh('bare', { auth_time: old }),
    await fresh('bare', { auth_time: 'now' }),
    await fresh('bare', { aud: 'other' }),
    await fresh('unlink'),
  ]) {
    expect((await unlink(identity.id, stale)).body.message).toBe('password_wrong')
  }
  const proof = await fresh('bare')
  expect((await unlink(identity.id, proof)).body.message).toBe('identity_is_last_way_in')
  expect((await unlink(identity.id, proof)).body.message, 'used').toBe('password_wrong')

  const second = { token: await fresh('bare-2'), password: await fresh('bare') }
  expect((await api.rpc('link_identity', second, token)).status).toBe(200)
  const both = await identitiesOf(token)
  const proofs = [await fresh('bare'), await fresh('bare-2')]
  const answers = await Promise.all(
    both.map((each: { id: string }, n: number) => unlink(each.id, proofs[n] ?? '')),
  )
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(await identitiesOf(token)).toHaveLength(1)
})

test('a reset mail gives such an account a password, and with it everything a password does', async () => {
  const { body } = await enter('later')
  const { rows } = await db.owner.query(
    `select private.issue_one_time_token('reset_password', $1, null, 'later@example.com') as token`,
    [body.user.id],
  )
  const reset = { token: rows[0].token, new_password: 'an entirely new one' }
  expect((await api.rpc('reset_password', reset)).status).toBe(200)
  const signedIn = await api.rpc('sign_in', { email: 'later@example.com', password: 'an entirely new one' })
  expect(signedIn.status).toBe(200)
  const [identity] = await identitiesOf(signedIn.body.access_token)
  const unlink = (password: string) =>
    api.rpc('unlink_identity', { identity_id: identity.id, password }, signedIn.body.access_token)
  expect((await unlink(await fresh('later'))).body.message).toBe('password_wrong')
  expect((await unlink('an entirely new one')).status).toBe(200)
})
