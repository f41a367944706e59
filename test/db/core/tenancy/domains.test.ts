/** Domains: claims hold nothing back and tell nothing, and proof decides. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'
import { aDomain, claiming } from './claiming.ts'
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

const MISSING = '0198c0de-0000-7000-8000-00000000000a'

describe('a claim', () => {
  test('tells which record to set, and folds ASCII letters only', async () => {
    const acme = await createOrganization(api)
    const row = await steps.claim(acme, 'ACME.Example')
    expect(row).toMatchObject({
      domain: 'acme.example',
      record_name: '_howdah-challenge.acme.example',
      record_value: expect.stringMatching(/^howdah-verification=[\w-]{43}$/),
      has_auto_join: false,
      verified_at: null,
    })
    expect((await steps.add(acme.owner, acme, 'acme.EXAMPLE')).body.message).toBe('domain_claimed')
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
    expect((await steps.add(acme.owner, acme, domain)).body.message).toBe(key)
  })

  test('of another script is made as xn--', async () => {
    const acme = await createOrganization(api)
    expect(await steps.claim(acme, 'xn--bcher-kva.example')).toMatchObject({
      domain: 'xn--bcher-kva.example',
    })
  })

  test('says nothing about other claims, proven or not, and holds nobody back', async () => {
    const domain = aDomain()
    const [squatter, rightful] = [await createOrganization(api), await createOrganization(api)]
    const first = await steps.claim(squatter, domain)
    const second = await steps.claim(rightful, domain)
    expect(first.record_value).not.toBe(second.record_value)
    // The rightful owner's record proves the rightful claim only.
    expect(await steps.found(first, [second.record_value])).toBe('record_missing')
    expect(await steps.found(second, [second.record_value])).toBe('verified')
    const third = await createOrganization(api)
    const late = await steps.add(third.owner, third, domain)
    expect(late.body[0]).toMatchObject({ domain, verified_at: null, last_problem: null })
    expect(late.status).toBe(200)
  })

  test('nobody but owners and admins makes, sees, checks or removes one; foreign ids answer like missing ones', async () => {
    const acme = await createOrganization(api)
    const { id } = await steps.claim(acme)
    const [member, billing] = [
      await addMember(db, api, acme, 'member'),
      await addMember(db, api, acme, 'billing'),
    ]
    const removed = await addMember(db, api, acme, 'admin')
    expect((await api.get('/organization_domains', removed.token)).body).toHaveLength(1)
    await api.rpc('remove_member', { organization_id: acme.id, user_id: removed.id }, acme.owner.token)
    const other = await createOrganization(api)
    expect((await steps.add(member, acme, aDomain())).body.message).toBe('organization_role_required')
    expect((await steps.add(removed, acme, aDomain())).body.message).toBe('organization_not_found')
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
    const answers = await Promise.all([1, 2, 3].map(() => steps.add(acme.owner, acme, aDomain())))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
  })
})

describe('proof', () => {
  test('of one domain counts for one organization, also when two prove it at once', async () => {
    for (let round = 0; round < 10; round++) {
      const domain = aDomain()
      const claims = [
        await steps.claim(await createOrganization(api), domain),
        await steps.claim(await createOrganization(api), domain),
      ]
      const values = claims.map(({ record_value }) => record_value)
      const outcomes = await Promise.all(claims.map((one) => steps.found(one, values)))
      expect(outcomes.sort()).toEqual(['verified', 'verified_elsewhere'])
    }
  })

  test('is asked for again: gone on three looks, the domain is a claim again and lets nobody join', async () => {
    const acme = await createOrganization(api)
    const domain = await steps.prove(acme)
    expect((await steps.autoJoin(acme, domain)).body[0].has_auto_join).toBe(true)
    const row = async () =>
      (await api.get(`/organization_domains?id=eq.${domain.id}`, acme.owner.token)).body[0]
    for (let n = 0; n < 5; n++) expect(await steps.found(domain, null)).toBe('dns_failed')
    await steps.found(domain, [])
    await steps.found(domain, ['something else'])
    expect(await row()).toMatchObject({ has_auto_join: true, last_problem: 'record_missing' })
    await steps.found(domain, [])
    expect(await row()).toMatchObject({ has_auto_join: false, verified_at: null })
    // Whoever has it now can prove it.
    expect(await steps.found(await steps.claim(await createOrganization(api), domain.domain), null)).toBe(
      'dns_failed',
    )
    await steps.prove(await createOrganization(api), domain.domain)
    expect(await steps.found(domain, [domain.record_value])).toBe('verified_elsewhere')
  })

  test('comes too late after seven days: the claim is gone, and can be made anew', async () => {
    const acme = await createOrganization(api)
    const domain = await steps.claim(acme)
    try {
      await setClock(db, '7 days 1 minute')
      expect(await steps.found(domain, [domain.record_value])).toBe('gone')
      const { body } = await api.rpc('sign_in', { email: acme.owner.email, password: acme.owner.password })
      const owner = { ...acme.owner, token: body.access_token }
      expect((await api.get('/organization_domains', owner.token)).body).toEqual([])
      expect((await api.rpc('check_domain', { domain_id: domain.id }, owner.token)).status).toBe(404)
      const again = await steps.add(owner, acme, domain.domain)
      expect(again.status).toBe(200)
      expect(again.body[0].record_value).not.toBe(domain.record_value)
    } finally {
      await setClock(db, '0')
    }
  })

  test('is needed before anybody joins (domain_not_verified)', async () => {
    const acme = await createOrganization(api)
    const domain = await steps.claim(acme)
    expect((await steps.autoJoin(acme, domain)).body.message).toBe('domain_not_verified')
    const ada = await signUp(api, { email: `ada@${domain.domain}` })
    await steps.confirm(ada)
    expect((await steps.join(ada)).body.message).toBe('no_organization_to_join')
    expect(await steps.organizationsOf(ada)).toEqual([])
  })
})

test('a job that comes again changes nothing', async () => {
  const domain = await steps.claim(await createOrganization(api))
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
