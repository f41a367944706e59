/** After an erasure no relation holds a word of the person (G-05), others keep all of theirs (G-06), and seals verify. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededCast } from '../../../rules/matrix/seeded-cast.ts'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { sealAll } from '../../../setup/audit.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import type { Person } from '../../../setup/story.ts'
import { rowsOfOthers } from '../../../worker/erasure/leaving.ts'
import { inviting } from '../../core/tenancy/inviting.ts'
import { createOrganization } from '../../core/tenancy/story.ts'

let db: TestDatabase
let api: TestApi
let ada: Person
let bob: Person
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  const { people } = await seededCast(db, api)
  // Belongs to the organization that Bob owns.
  ada = people.get('member-a') as Person
  bob = people.get('a') as Person
  // Samples of what people wrote get into the planner's statistics sooner or later.
  await db.owner.query('analyze')
})
afterAll(() => db.drop())

const traces = async (words: string[]) => {
  const { rows } = await db.owner.query(
    'select relation, row_count::int as rows from gdpr.find_traces($1) order by 1',
    [words],
  )
  return rows
}
test('soft-deleted: out at once, nothing lost, and back again', async () => {
  await db.owner.query('select soft_delete_user($1)', [ada.email])
  expect((await api.rpc('me', {}, ada.token)).status).toBe(401)
  expect((await api.rpc('sign_in', { email: ada.email, password: ada.password })).status).toBe(401)
  expect((await traces(['canary-member-a-'])).length).toBeGreaterThanOrEqual(10)
  await db.owner.query('select gdpr.restore_user($1)', [ada.email])
  expect((await api.rpc('sign_in', { email: ada.email, password: ada.password })).status).toBe(200)
})

test('a plain delete leaves traces, and the search finds them', async () => {
  const client = await db.owner.connect()
  try {
    await client.query('begin')
    await client.query('delete from core.users where id = $1', [ada.id])
    const { rows } = await client.query(
      `select distinct relation from gdpr.find_traces('{canary-member-a-}') order by 1`,
    )
    const found = rows.map(({ relation }) => relation)
    console.log('after a plain delete:', found.join(', '))
    expect(found.some((name) => name.startsWith('core.audit_log_'))).toBe(true)
    expect(found).toContain('pg_catalog.pg_stats')
  } finally {
    await client.query('rollback')
    client.release(true)
  }
})

test('erased: no word of hers anywhere, and nothing of his is touched', async () => {
  const before = await rowsOfOthers(db, ada.id)
  const words = ['canary-member-a-', ada.email]
  const looked = await traces(words)
  const { rows } = await db.owner.query('select erase_user($1) as done', [ada.email])
  expect(Object.keys(rows[0].done.row_counts).length).toBeGreaterThan(10)
  expect(rows[0].done.audit_events_blanked).toBeGreaterThan(10)
  console.log(`erased: ${looked.length} relations held a word of hers before`)
  expect(await traces(words)).toEqual([])

  const after = await rowsOfOthers(db, ada.id)
  expect([...before.values()].flat().length).toBeGreaterThan(50)
  for (const [name, held] of before) expect(after.get(name), name).toEqual(held)
  expect((await api.rpc('sign_in', { email: bob.email, password: bob.password })).status).toBe(200)
})

test('the log still verifies, and says who was erased without saying who they were', async () => {
  await sealAll(db)
  expect((await db.owner.query('select is_ok from ops.verify_audit()')).rows[0].is_ok).toBe(true)
  const { rows } = await db.owner.query(
    `select operation from core.audit_log where kind = 'security' and subject_id = $1 order by id desc limit 1`,
    [ada.id],
  )
  expect(rows).toEqual([{ operation: 'account_erased' }])
})

test('her address is free again, her old token and password are worth nothing', async () => {
  expect((await api.rpc('sign_in', { email: ada.email, password: ada.password })).status).toBe(401)
  await expect(db.owner.query('select erase_user($1)', [ada.email])).rejects.toMatchObject({
    message: 'account_not_found',
  })
  const again = await api.rpc('sign_up', { email: ada.email, password: ada.password })
  expect(again.status).toBe(200)
  expect(again.body.user.id).not.toBe(ada.id)
})

test('what is searched for has to be a word', async () => {
  for (const words of [[], ['abc'], ['    '], ['canary', 'a']]) {
    await expect(traces(words)).rejects.toMatchObject({ message: 'search_words_invalid' })
  }
})

test('somebody invited before they had an account: neither the log nor the outbox keeps the address', async () => {
  const { invite, tokenOf, verified, accept } = inviting(db, api)
  const email = 'invited-before@example.com'
  const invitationId = await invite(await createOrganization(api), email)
  const token = await tokenOf(invitationId)
  const { rowCount } = await db.owner.query(
    `select core.finish_mail(m.id, 'sent') from core.mails as m where m.invitation_id = $1`,
    [invitationId],
  )
  expect(rowCount).toBe(1)
  expect((await accept(await verified(email), { token })).status).toBe(200)
  expect((await traces([email])).map(({ relation }) => relation)).toContain('core.invitations')
  await db.owner.query('select erase_user($1)', [email])
  expect(await traces([email])).toEqual([])
  await sealAll(db)
  expect((await db.owner.query('select is_ok from ops.verify_audit()')).rows[0].is_ok).toBe(true)
})

test('the last owner of an organization is not erased: somebody has to take it over first, and nothing is lost', async () => {
  const before = await traces(['canary-a-'])
  await expect(db.owner.query('select erase_user($1)', [bob.email])).rejects.toMatchObject({
    message: 'organization_needs_owner',
  })
  expect(await traces(['canary-a-'])).toEqual(before)
})
