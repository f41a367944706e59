/** What an organization says about itself, its end, and what the audit log knows of both. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { addMember, createOrganization } from './story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

test('settings and branding are merged key by key; what is left out stays', async () => {
  const acme = await createOrganization(api)
  const update = async (given: object) =>
    (await api.rpc('update_organization', { organization_id: acme.id, ...given }, acme.owner.token)).body[0]
  await update({
    settings: { week_starts_on: 'monday', deep: { a: null } },
    branding: { tagline: 'We make it.' },
  })
  const row = await update({
    name: 'Acme 2',
    settings: { week_starts_on: null, beta: true },
    branding: { primary_color: '#1a2b3c', tagline: null },
  })
  expect(row).toMatchObject({ name: 'Acme 2', slug: acme.slug })
  expect(row.settings).toEqual({ deep: { a: null }, beta: true })
  expect(row.branding).toEqual({ primary_color: '#1a2b3c' })
  expect((await update({ slug: `${acme.slug}-2` })).slug).toBe(`${acme.slug}-2`)
})

const REFUSED: [given: object, key: string][] = [
  [{ name: '' }, 'organization_name_invalid'],
  [{ slug: 'No' }, 'organization_slug_invalid'],
  [{ slug: 'api' }, 'organization_slug_taken'],
  [{ settings: [] }, 'organization_settings_invalid'],
  [{ settings: { Bad: 1 } }, 'organization_settings_invalid'],
  [{ settings: { a: 'x'.repeat(16384) } }, 'organization_settings_invalid'],
  [{ branding: 'blue' }, 'organization_branding_invalid'],
  [{ branding: { logo_url: 'javascript:alert(1)' } }, 'organization_branding_invalid'],
  [{ branding: { logo_url: 'http://example.com/a.png' } }, 'organization_branding_invalid'],
  [{ branding: { logo_url: `https://example.com/${'x'.repeat(2000)}` } }, 'organization_branding_invalid'],
  [{ branding: { primary_color: 'red' } }, 'organization_branding_invalid'],
  [{ branding: { font: 'Papyrus' } }, 'organization_branding_invalid'],
]
test.each(REFUSED)('refuses %j (%s)', async (given, key) => {
  const acme = await createOrganization(api)
  const answer = await api.rpc(
    'update_organization',
    { organization_id: acme.id, ...given },
    acme.owner.token,
  )
  expect(answer.body.message).toBe(key)
  expect((await api.get('/organizations', acme.owner.token)).body[0]).toMatchObject({
    name: 'Acme',
    slug: acme.slug,
    settings: {},
    branding: {},
  })
})

test('nobody takes the slug of another organization (organization_slug_taken)', async () => {
  const [acme, other] = [await createOrganization(api), await createOrganization(api)]
  const answer = await api.rpc(
    'update_organization',
    { organization_id: acme.id, slug: other.slug },
    acme.owner.token,
  )
  expect([answer.status, answer.body.message]).toEqual([409, 'organization_slug_taken'])
})

test('members and billing do not change it; only owners with their password delete it', async () => {
  const acme = await createOrganization(api)
  for (const role of ['member', 'billing'] as const) {
    const { token } = await addMember(db, api, acme, role)
    const answer = await api.rpc('update_organization', { organization_id: acme.id, name: 'Mine' }, token)
    expect([answer.status, answer.body.message]).toEqual([403, 'organization_role_required'])
  }
  const admin = await addMember(db, api, acme, 'admin')
  const end = (token: string, password: unknown) =>
    api.rpc('delete_organization', { organization_id: acme.id, password }, token)
  expect((await end(admin.token, admin.password)).body.message).toBe('organization_role_required')
  expect((await end(acme.owner.token, 'not the password')).body.message).toBe('password_wrong')
  expect((await end(acme.owner.token, null)).body.message).toBe('password_wrong')
  const cast = await api.rpc(
    'delete_organization?select=pgrst_scalar',
    { organization_id: acme.id, password: acme.owner.password },
    acme.owner.token,
  )
  expect(cast.status).toBe(400)
  expect((await api.get('/organizations', admin.token)).body).toHaveLength(1)
  expect((await end(acme.owner.token, acme.owner.password)).body).toEqual({ status: 'done' })
  expect((await api.get('/organizations', admin.token)).body).toEqual([])
  // The slug is free again.
  const again = await api.rpc('create_organization', { name: 'Acme', slug: acme.slug }, admin.token)
  expect(again.status).toBe(200)
})

test('every step is in the audit log under the organization, with who did it', async () => {
  const acme = await createOrganization(api)
  const member = await addMember(db, api, acme, 'member')
  await api.rpc('update_organization', { organization_id: acme.id, name: 'Acme 2' }, acme.owner.token)
  await api.rpc('remove_member', { organization_id: acme.id, user_id: member.id }, acme.owner.token)
  await api.rpc(
    'delete_organization',
    { organization_id: acme.id, password: acme.owner.password },
    acme.owner.token,
  )
  const { rows } = await db.owner.query(
    `select relation, operation, actor_user_id, subject_id from core.audit_log where tenant_id = $1 order by id`,
    [acme.id],
  )
  const steps = rows.map(({ relation, operation }) => `${operation} ${relation.replace('core.', '')}`)
  expect(steps).toEqual([
    'insert organizations',
    'insert organization_members',
    'insert organization_members',
    'update organizations',
    'delete organization_members',
    'insert organization_exclusions',
    'delete organizations',
    'delete organization_members',
    'delete organization_exclusions',
  ])
  expect(rows.filter(({ actor_user_id }) => actor_user_id === acme.owner.id)).toHaveLength(8)
  expect(rows[4].subject_id).toBe(member.id)
})
