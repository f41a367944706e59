/** Who comes into an organization by an address at its domain, and who does not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { believe, makeIssuer } from '../identities/issuer.ts'
import { claiming } from './claiming.ts'
import { inviting } from './inviting.ts'
import { addMember, createOrganization } from './story.ts'

let db: TestDatabase
let api: TestApi
let steps: ReturnType<typeof claiming>
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  steps = claiming(db, api)
})
afterAll(() => db.drop())

describe('people at the domain', () => {
  test('come in when they confirm their address, or when they ask; never silently', async () => {
    const acme = await createOrganization(api)
    const domain = await steps.prove(acme)
    const before = await signUp(api, { email: `before@${domain.domain}` })
    await steps.confirm(before)
    await steps.autoJoin(acme, domain)
    // Who was there before is not pulled in.
    expect(await steps.organizationsOf(before)).toEqual([])
    await db.owner.query('update core.users set email_verified_at = now(), display_name = $2 where id = $1', [
      before.id,
      'B',
    ])
    expect(await steps.organizationsOf(before)).toEqual([])
    expect((await steps.join(before)).body).toMatchObject([{ id: acme.id, my_role: 'member' }])
    expect((await steps.join(before)).status).toBe(200)

    const fresh = await signUp(api, { email: `Fresh@${domain.domain.toUpperCase()}` })
    expect(await steps.organizationsOf(fresh)).toEqual([])
    expect((await steps.join(fresh)).body.message).toBe('email_not_verified')
    const { rows } = await db.owner.query(
      `select private.issue_one_time_token('verify_email', $1, null, $2) as token`,
      [fresh.id, fresh.email],
    )
    expect((await api.rpc('verify_email', { token: rows[0].token })).status).toBe(204)
    expect(await steps.organizationsOf(fresh)).toEqual([{ id: acme.id, my_role: 'member' }])
  })

  const OUTSIDE: [string, (domain: string) => string][] = [
    ['a subdomain', (domain) => `x@mail.${domain}`],
    ['a longer name', (domain) => `x@evil-${domain}`],
    ['the name with more behind it', (domain) => `x@${domain}.evil.example`],
    ['a look-alike', (domain) => `x@${domain.replace('o', 'о')}`],
    ['the Kelvin sign', (domain) => `x@${domain.replace('company', 'company\u212a')}`],
    ['the local part', (domain) => `${domain}@evil.example`],
  ]
  test.each(OUTSIDE)('are not those of %s', async (_what, address) => {
    const acme = await createOrganization(api)
    const domain = await steps.prove(acme)
    await steps.autoJoin(acme, domain)
    const mallory = await signUp(api, { email: address(domain.domain) })
    await steps.confirm(mallory)
    expect(await steps.organizationsOf(mallory)).toEqual([])
    expect((await steps.join(mallory)).body.message).toBe('no_organization_to_join')
  })

  test('are not those an outside issuer speaks for, until a mail of ours arrives there', async () => {
    const acme = await createOrganization(api)
    const proven = await steps.prove(acme)
    await steps.autoJoin(acme, proven)
    const issuer = await makeIssuer()
    await believe(db, issuer)
    // Left the company long ago; the issuer still says that the address was theirs once.
    const email = `left@${proven.domain}`
    const invitation_id = await inviting(db, api).invite(acme, email, 'admin')
    const token = await issuer.token({ email, email_verified: true })
    const { body } = await api.rpc('sign_in_with_identity', { token })
    const left = { id: body.user.id, token: body.access_token } as Person
    expect(await steps.organizationsOf(left)).toEqual([])
    expect((await steps.join(left)).body.message).toBe('email_not_verified')
    expect((await api.get('/invitations', left.token)).body).toEqual([])
    const accepted = await api.rpc('accept_invitation', { invitation_id }, left.token)
    expect(accepted.body.message).toBe('invitation_not_found')

    expect((await api.rpc('request_email_verification', {}, left.token)).status).toBe(202)
    const { rows } = await db
      .as('howdah_worker')
      .query('select core.begin_mail($1) as mail', [
        (
          await db.owner.query(`select id from core.mails where kind = 'verify_email' and user_id = $1`, [
            left.id,
          ])
        ).rows[0].id,
      ])
    expect((await api.rpc('verify_email', { token: rows[0].mail.token })).status).toBe(204)
    expect(await steps.organizationsOf(left)).toEqual([{ id: acme.id, my_role: 'member' }])
  })

  test('who were removed do not come back by themselves, and learn nothing by trying', async () => {
    const acme = await createOrganization(api)
    const domain = await steps.prove(acme)
    await steps.autoJoin(acme, domain)
    const ada = await signUp(api, { email: `ada@${domain.domain}` })
    await steps.confirm(ada)
    await api.rpc('remove_member', { organization_id: acme.id, user_id: ada.id }, acme.owner.token)
    const answer = await steps.join(ada)
    expect([answer.status, answer.body.message]).toEqual([404, 'no_organization_to_join'])
    await steps.autoJoin(acme, domain, false)
    expect((await steps.join(ada)).body).toEqual(answer.body)
  })

  test('who are somebody there stay what they are', async () => {
    const acme = await createOrganization(api)
    const domain = await steps.prove(acme)
    await steps.autoJoin(acme, domain)
    const ada = await signUp(api, { email: `ada@${domain.domain}` })
    await addMember(db, api, acme, 'admin', ada)
    await steps.confirm(ada)
    expect((await steps.join(ada)).body).toMatchObject([{ my_role: 'admin' }])
  })
})
