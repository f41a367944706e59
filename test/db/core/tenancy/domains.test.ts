/** Domains: claims hold nothing back and tell nothing, proof decides, and who joins by an address. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { believe, makeIssuer } from '../identities/issuer.ts'
import { inviting } from './inviting.ts'
import { addMember, createOrganization, type Organization } from './story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

let counter = 0
const aDomain = () => `company-${++counter}.example`
const add = (by: Person, { id }: Organization, domain: unknown) =>
  api.rpc('add_domain', { organization_id: id, domain }, by.token)
type Claim = { id: string; domain: string; record_value: string }
const claim = async (acme: Organization, domain = aDomain()): Promise<Claim> => {
  const { status, body } = await add(acme.owner, acme, domain)
  expect(status).toBe(200)
  return body[0]
}
/** What the worker does when it has found these records. */
const found = async ({ id }: Claim, records: string[] | null) => {
  // A look within ten seconds of one that saw the same is taken for the same job once more.
  await db.owner.query('update core.organization_domains set last_checked_at = null where id = $1', [id])
  const { rows } = await db
    .as('howdah_worker')
    .query('select core.record_domain_check($1, $2) as outcome', [id, records])
  return rows[0].outcome
}
const prove = async (acme: Organization, domain = aDomain()): Promise<Claim> => {
  const made = await claim(acme, domain)
  expect(await found(made, ['other', made.record_value])).toBe('verified')
  return made
}
const autoJoin = ({ owner }: Organization, { id }: Claim, has_auto_join = true) =>
  api.rpc('set_domain_auto_join', { domain_id: id, has_auto_join }, owner.token)
const confirm = ({ id }: Person) =>
  db.owner.query('update core.users set email_verified_at = now() where id = $1', [id])
const join = ({ token }: Person) => api.rpc('join_organization_by_domain', {}, token)
const organizationsOf = async ({ token }: Person) =>
  (await api.get('/organizations?select=id,my_role', token)).body
const MISSING = '0198c0de-0000-7000-8000-00000000000a'

describe('a claim', () => {
  test('tells which record to set, and folds ASCII letters only', async () => {
    const acme = await createOrganization(api)
    const row = await claim(acme, 'ACME.Example')
    expect(row).toMatchObject({
      domain: 'acme.example',
      record_name: '_howdah-challenge.acme.example',
      record_value: expect.stringMatching(/^howdah-verification=[\w-]{43}$/),
      has_auto_join: false,
      verified_at: null,
    })
    expect((await add(acme.owner, acme, 'acme.EXAMPLE')).body.message).toBe('domain_claimed')
  })

  const REFUSED: [domain: unknown, key: string][] = [
    ['Gmail.com', 'domain_public'],
    ['web.de', 'domain_public'],
    ['bücher.example', 'domain_invalid'],
    ['\u212aelvin.example', 'domain_invalid'],
    ['аcme.example', 'domain_invalid'], // Cyrillic a
    ['acme\u3002example', 'domain_invalid'],
    ['acme.example.', 'domain_invalid'],
    ['.acme.example', 'domain_invalid'],
    ['localhost', 'domain_invalid'],
    ['127.0.0.1', 'domain_invalid'],
    ['-acme.example', 'domain_invalid'],
    ['acme.example\n', 'domain_invalid'],
    ['*.example', 'domain_invalid'],
    ['a@acme.example', 'domain_invalid'],
    [`${'a'.repeat(64)}.example`, 'domain_invalid'],
    [null, 'domain_invalid'],
  ]
  test.each(REFUSED)('of %j is refused (%s)', async (domain, key) => {
    const acme = await createOrganization(api)
    expect((await add(acme.owner, acme, domain)).body.message).toBe(key)
  })

  test('of another script is made as xn--', async () => {
    const acme = await createOrganization(api)
    expect(await claim(acme, 'xn--bcher-kva.example')).toMatchObject({ domain: 'xn--bcher-kva.example' })
  })

  test('says nothing about other claims, proven or not, and holds nobody back', async () => {
    const domain = aDomain()
    const [squatter, rightful] = [await createOrganization(api), await createOrganization(api)]
    const first = await claim(squatter, domain)
    const second = await claim(rightful, domain)
    expect(first.record_value).not.toBe(second.record_value)
    // The rightful owner's record proves the rightful claim only.
    expect(await found(first, [second.record_value])).toBe('record_missing')
    expect(await found(second, [second.record_value])).toBe('verified')
    const third = await createOrganization(api)
    const late = await add(third.owner, third, domain)
    expect(late.body[0]).toMatchObject({ domain, verified_at: null, last_problem: null })
    expect(late.status).toBe(200)
  })

  test('nobody but owners and admins makes, sees, checks or removes one; foreign ids answer like missing ones', async () => {
    const acme = await createOrganization(api)
    const { id } = await claim(acme)
    const [member, billing] = [
      await addMember(db, api, acme, 'member'),
      await addMember(db, api, acme, 'billing'),
    ]
    const removed = await addMember(db, api, acme, 'admin')
    expect((await api.get('/organization_domains', removed.token)).body).toHaveLength(1)
    await api.rpc('remove_member', { organization_id: acme.id, user_id: removed.id }, acme.owner.token)
    const other = await createOrganization(api)
    expect((await add(member, acme, aDomain())).body.message).toBe('organization_role_required')
    expect((await add(removed, acme, aDomain())).body.message).toBe('organization_not_found')
    for (const person of [member, billing, removed, other.owner]) {
      expect((await api.get('/organization_domains', person.token)).body).toEqual([])
      for (const [name, more] of [
        ['check_domain', {}],
        ['remove_domain', {}],
        ['set_domain_auto_join', { has_auto_join: true }],
      ] as const) {
        const foreign = await api.rpc(name, { domain_id: id, ...more }, person.token)
        const missing = await api.rpc(name, { domain_id: MISSING, ...more }, person.token)
        expect([foreign.status, foreign.body.message]).toEqual([404, 'domain_not_found'])
        expect(JSON.stringify(missing.body).replaceAll(MISSING, id)).toBe(JSON.stringify(foreign.body))
      }
    }
    expect((await api.rpc('remove_domain', { domain_id: id }, acme.owner.token)).status).toBe(204)
  })

  test('fifty in an organization (too_many_domains)', async () => {
    const acme = await createOrganization(api)
    await db.owner.query(
      `insert into core.organization_domains (organization_id, domain, token, expires_at, next_check_at)
      select $1, 'many-' || n || '.example', repeat('a', 43), now() + interval '1 day', now() from generate_series(1, 49) n`,
      [acme.id],
    )
    const answers = await Promise.all([1, 2, 3].map(() => add(acme.owner, acme, aDomain())))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
  })
})

describe('proof', () => {
  test('of one domain counts for one organization, also when two prove it at once', async () => {
    for (let round = 0; round < 10; round++) {
      const domain = aDomain()
      const claims = [
        await claim(await createOrganization(api), domain),
        await claim(await createOrganization(api), domain),
      ]
      const values = claims.map(({ record_value }) => record_value)
      const outcomes = await Promise.all(claims.map((one) => found(one, values)))
      expect(outcomes.sort()).toEqual(['verified', 'verified_elsewhere'])
    }
  })

  test('is asked for again: gone on three looks, the domain is a claim again and lets nobody join', async () => {
    const acme = await createOrganization(api)
    const domain = await prove(acme)
    expect((await autoJoin(acme, domain)).body[0].has_auto_join).toBe(true)
    const row = async () =>
      (await api.get(`/organization_domains?id=eq.${domain.id}`, acme.owner.token)).body[0]
    for (let n = 0; n < 5; n++) expect(await found(domain, null)).toBe('dns_failed')
    await found(domain, [])
    await found(domain, ['something else'])
    expect(await row()).toMatchObject({ has_auto_join: true, last_problem: 'record_missing' })
    await found(domain, [])
    expect(await row()).toMatchObject({ has_auto_join: false, verified_at: null })
    // Whoever has it now can prove it.
    expect(await found(await claim(await createOrganization(api), domain.domain), null)).toBe('dns_failed')
    await prove(await createOrganization(api), domain.domain)
    expect(await found(domain, [domain.record_value])).toBe('verified_elsewhere')
  })

  test('comes too late after seven days: the claim is gone, and can be made anew', async () => {
    const acme = await createOrganization(api)
    const domain = await claim(acme)
    try {
      await setClock(db, '7 days 1 minute')
      expect(await found(domain, [domain.record_value])).toBe('gone')
      const { body } = await api.rpc('sign_in', { email: acme.owner.email, password: acme.owner.password })
      const owner = { ...acme.owner, token: body.access_token }
      expect((await api.get('/organization_domains', owner.token)).body).toEqual([])
      expect((await api.rpc('check_domain', { domain_id: domain.id }, owner.token)).status).toBe(404)
      const again = await add(owner, acme, domain.domain)
      expect(again.status).toBe(200)
      expect(again.body[0].record_value).not.toBe(domain.record_value)
    } finally {
      await setClock(db, '0')
    }
  })

  test('is needed before anybody joins (domain_not_verified)', async () => {
    const acme = await createOrganization(api)
    const domain = await claim(acme)
    expect((await autoJoin(acme, domain)).body.message).toBe('domain_not_verified')
    const ada = await signUp(api, { email: `ada@${domain.domain}` })
    await confirm(ada)
    expect((await join(ada)).body.message).toBe('no_organization_to_join')
    expect(await organizationsOf(ada)).toEqual([])
  })
})

test('a job that comes again changes nothing', async () => {
  const domain = await claim(await createOrganization(api))
  const again = () => db.owner.query('select core.record_domain_check($1, $2)', [domain.id, ['other']])
  const count = async () =>
    (await db.owner.query('select failure_count from core.organization_domains where id = $1', [domain.id]))
      .rows[0].failure_count
  await again()
  await again()
  expect(await count()).toBe(1)
  await db.owner.query(
    `update core.organization_domains set last_checked_at = now() - interval '11 seconds' where id = $1`,
    [domain.id],
  )
  await again()
  expect(await count()).toBe(2)
})

describe('people at the domain', () => {
  test('come in when they confirm their address, or when they ask; never silently', async () => {
    const acme = await createOrganization(api)
    const domain = await prove(acme)
    const before = await signUp(api, { email: `before@${domain.domain}` })
    await confirm(before)
    await autoJoin(acme, domain)
    // Who was there before is not pulled in.
    expect(await organizationsOf(before)).toEqual([])
    await db.owner.query('update core.users set email_verified_at = now(), display_name = $2 where id = $1', [
      before.id,
      'B',
    ])
    expect(await organizationsOf(before)).toEqual([])
    expect((await join(before)).body).toMatchObject([{ id: acme.id, my_role: 'member' }])
    expect((await join(before)).status).toBe(200)

    const fresh = await signUp(api, { email: `Fresh@${domain.domain.toUpperCase()}` })
    expect(await organizationsOf(fresh)).toEqual([])
    expect((await join(fresh)).body.message).toBe('email_not_verified')
    const { rows } = await db.owner.query(
      `select private.issue_one_time_token('verify_email', $1, null, $2) as token`,
      [fresh.id, fresh.email],
    )
    expect((await api.rpc('verify_email', { token: rows[0].token })).status).toBe(204)
    expect(await organizationsOf(fresh)).toEqual([{ id: acme.id, my_role: 'member' }])
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
    const domain = await prove(acme)
    await autoJoin(acme, domain)
    const mallory = await signUp(api, { email: address(domain.domain) })
    await confirm(mallory)
    expect(await organizationsOf(mallory)).toEqual([])
    expect((await join(mallory)).body.message).toBe('no_organization_to_join')
  })

  test('are not those an outside issuer speaks for, until a mail of ours arrives there', async () => {
    const acme = await createOrganization(api)
    const proven = await prove(acme)
    await autoJoin(acme, proven)
    const issuer = await makeIssuer()
    await believe(db, issuer)
    // Left the company long ago; the issuer still says that the address was theirs once.
    const email = `left@${proven.domain}`
    const invitation_id = await inviting(db, api).invite(acme, email, 'admin')
    const token = await issuer.token({ email, email_verified: true })
    const { body } = await api.rpc('sign_in_with_identity', { token })
    const left = { id: body.user.id, token: body.access_token } as Person
    expect(await organizationsOf(left)).toEqual([])
    expect((await join(left)).body.message).toBe('email_not_verified')
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
    expect(await organizationsOf(left)).toEqual([{ id: acme.id, my_role: 'member' }])
  })

  test('who were removed do not come back by themselves, and learn nothing by trying', async () => {
    const acme = await createOrganization(api)
    const domain = await prove(acme)
    await autoJoin(acme, domain)
    const ada = await signUp(api, { email: `ada@${domain.domain}` })
    await confirm(ada)
    await api.rpc('remove_member', { organization_id: acme.id, user_id: ada.id }, acme.owner.token)
    const answer = await join(ada)
    expect([answer.status, answer.body.message]).toEqual([404, 'no_organization_to_join'])
    await autoJoin(acme, domain, false)
    expect((await join(ada)).body).toEqual(answer.body)
  })

  test('who are somebody there stay what they are', async () => {
    const acme = await createOrganization(api)
    const domain = await prove(acme)
    await autoJoin(acme, domain)
    const ada = await signUp(api, { email: `ada@${domain.domain}` })
    await addMember(db, api, acme, 'admin', ada)
    await confirm(ada)
    expect((await join(ada)).body).toMatchObject([{ my_role: 'admin' }])
  })
})
