/** The worst day: a leak that shows 37 people is said to show 37, in seconds, and the clock of 72 hours runs (G-19). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
let owner: Person
let member: Person
let stranger: Person
let organizationId: string
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  ;[owner, member, stranger] = await Promise.all([signUp(api), signUp(api), signUp(api)])
  organizationId = await organizationOf(owner, 'acme')
  await join(organizationId, [member.id, ...(await accounts('colleague', 35))])
  const theirs = await organizationOf(stranger, 'other')
  await join(theirs, await accounts('other', 20))
})
afterAll(() => db.drop())

async function organizationOf({ token }: Person, slug: string): Promise<string> {
  return (await api.rpc('create_organization', { name: slug, slug }, token)).body[0].id
}
async function accounts(name: string, count: number): Promise<string[]> {
  const { rows } = await db.owner.query(
    `insert into core.users (email) select $1 || n || '@example.com' from generate_series(1, $2) n returning id`,
    [name, count],
  )
  return rows.map(({ id }) => id)
}
const join = (organization: string, people: string[]) =>
  db.owner.query(
    `insert into core.organization_members (organization_id, user_id, role) select $1, unnest($2::uuid[]), 'member'`,
    [organization, people],
  )
const report = async (leak: object, facts = 'Something got out.') =>
  (await db.owner.query('select gdpr.report_breach($1, $2) as found', [facts, JSON.stringify(leak)])).rows[0]
    .found
const people = async (breachId: string) =>
  (await db.owner.query('select * from affected_people where breach_id = $1 order by email', [breachId])).rows
const sessionOf = async ({ id }: Person) =>
  (await db.owner.query('select id from core.sessions where user_id = $1 order by created_at', [id])).rows[0]
    .id

describe('who is affected', () => {
  test('a stolen session of one of 37: what it could read of whom', async () => {
    const from = performance.now()
    const found = await report({ session: await sessionOf(member) })
    const seconds = (performance.now() - from) / 1000
    console.log(`a stolen session: ${found.person_count} people in ${seconds.toFixed(2)} s`)
    expect(found.person_count).toBe(37)
    expect(seconds).toBeLessThan(60)
    expect(found.columns).toMatchObject({
      'core.users.email': 37,
      'core.users.timezone': 1,
      'core.sessions.client_address': 1,
    })
    expect(Object.keys(found.columns).filter((name) => name.includes('password'))).toEqual([])
    const affected = await people(found.breach_id)
    expect(affected).toHaveLength(37)
    expect(affected.find(({ user_id }) => user_id === owner.id).columns).toEqual({
      'core.organization_members': expect.arrayContaining(['user_id']),
      'core.organizations': ['created_by'],
      'core.users': ['avatar_url', 'display_name', 'email'],
    })
    expect(affected.map(({ user_id }) => user_id)).not.toContain(stranger.id)
    // The operator is the operator again.
    const { rows } = await db.owner.query(
      `select current_user::text as is, current_setting('request.jwt.claims', true) as claims`,
    )
    expect(rows).toEqual([{ is: 'howdah_migrations', claims: expect.not.stringContaining(member.id) }])
  })

  test('a session that is over and forgotten is known from the audit log', async () => {
    const person = await signUp(api)
    const session = await sessionOf(person)
    await db.owner.query('delete from core.sessions where id = $1', [session])
    const found = await report({ session })
    expect(found).toMatchObject({
      person_count: 1,
      exposed_from: expect.any(String),
      exposed_until: expect.any(String),
    })
    await expect(report({ session: '00000000-0000-7000-8000-000000000000' })).rejects.toThrow(
      'breach_leak_invalid',
    )
  })

  test('a hole between organizations: its 37 people, also the one who left since', async () => {
    const since = new Date(Date.now() - 3_600_000).toISOString()
    const leaver = (await db.owner.query(`select id from core.users where email = 'colleague7@example.com'`))
      .rows[0].id
    await db.owner.query('delete from core.organization_members where user_id = $1', [leaver])
    const found = await report({ tenant: organizationId, from: since })
    expect(found.person_count).toBe(37)
    expect((await people(found.breach_id)).map(({ user_id }) => user_id)).toContain(leaver)
    const later = await report({ tenant: organizationId, from: new Date(Date.now() + 1000).toISOString() })
    expect(later.person_count).toBe(36)
  })

  test('a backup: everybody of its day, also who was erased since, and nobody who came later', async () => {
    const copied = (await db.owner.query('select clock_timestamp() as at')).rows[0].at.toISOString()
    const { rows } = await db.owner.query(
      `select count(*)::int as count from core.users where status <> 'erased'`,
    )
    await db.owner.query(`select erase_user('colleague9@example.com')`)
    await signUp(api)
    const from = performance.now()
    const found = await report({ copy: copied })
    console.log(
      `a backup: ${found.person_count} people in ${((performance.now() - from) / 1000).toFixed(2)} s`,
    )
    expect(found.person_count).toBe(rows[0].count)
    expect(found.columns['private.passwords.password_hash']).toBeGreaterThan(0)
    expect(
      (await report({ copy: new Date(Date.parse(copied) + 3_600_000).toISOString() })).person_count,
    ).toBe(rows[0].count)
  })

  test('an export and a column: one person, and those who have something there', async () => {
    const found = await report({ export: stranger.email })
    expect(await people(found.breach_id)).toMatchObject([{ user_id: stranger.id }])
    expect(Object.keys(found.columns)).toContain('core.users.email')
    expect(Object.keys(found.columns)).not.toContain('private.passwords.password_hash')
    const { rows } = await db.owner.query('select leak from gdpr.breaches where id = $1', [found.breach_id])
    expect(rows).toEqual([{ leak: { export: stranger.id } }])
    await api.rpc('set_quiet_hours', { starts_at: '22:00', ends_at: '07:00' }, owner.token)
    expect((await report({ columns: ['core.quiet_hours.starts_at'] })).person_count).toBe(1)
    expect((await report({ columns: ['private.refresh_tokens'] })).person_count).toBeGreaterThan(3)
  })

  test.each([
    ['nothing', {}],
    ['two things', { session: 'x', export: 'y' }],
    ['no id', { session: 'mine' }],
    ['a table nobody has', { columns: ['core.seeds'] }],
    ['a table about nobody', { columns: ['core.plans'] }],
  ])('%s is refused (breach_leak_invalid)', async (_, leak) => {
    await expect(report(leak)).rejects.toThrow('breach_leak_invalid')
  })
})

describe('the register', () => {
  const status = async () =>
    (
      await db.owner.query(
        `select value::int as value, status from ops.service_levels where metric = 'breach_report_due_seconds'`,
      )
    ).rows[0]

  test('72 hours: a warning a day before, critical when they are over, and a late report says why', async () => {
    await db.owner.query('update gdpr.breaches set reported_at = core.now()')
    expect(await status()).toBeUndefined()
    const { breach_id: id } = await report({ export: owner.email })
    expect(await status()).toMatchObject({ status: 'ok' })
    await setClock(db, '49 hours')
    expect(await status()).toMatchObject({ status: 'warn' })
    await setClock(db, '73 hours')
    expect(await status()).toMatchObject({ status: 'critical' })
    const note = (reason: string | null) =>
      db.owner.query('select gdpr.note_breach_report($1, null, $2)', [id, reason])
    await expect(note(null)).rejects.toThrow('breach_delay_unexplained')
    await note('Nobody read the alert.')
    expect(await status()).toBeUndefined()
    await setClock(db, '0')
  })

  test('grows and is completed; closed, it never changes; nothing is deleted (breach_closed, breaches_append_only)', async () => {
    const { breach_id: id } = await report({ export: owner.email })
    const run = (sql: string) => db.owner.query(sql.replaceAll('$1', `'${id}'`))
    await expect(run('select gdpr.close_breach($1)')).rejects.toThrow('breach_incomplete')
    await run(`select gdpr.describe_breach($1, 'A stranger read one export.', 'The link was voided.')`)
    await expect(run('select gdpr.close_breach($1)')).rejects.toThrow('breach_incomplete')
    for (const sql of [
      'delete from gdpr.breaches where id = $1',
      'delete from gdpr.breach_people where breach_id = $1',
      'truncate gdpr.breaches cascade',
      `update gdpr.breaches set noticed_at = noticed_at + interval '1 day' where id = $1`,
      'update gdpr.breaches set person_count = 0 where id = $1',
      `update gdpr.breach_people set columns = '{}' where breach_id = $1`,
    ]) {
      await expect(run(sql), sql).rejects.toThrow('breaches_append_only')
    }
    await run(`select gdpr.close_breach($1, 'The stranger is the person''s wife, who gave the link back.')`)
    await expect(run(`select gdpr.describe_breach($1, 'Nothing.')`)).rejects.toThrow('breach_closed')
    await expect(run(`update gdpr.breaches set facts = 'Nothing.' where id = $1`)).rejects.toThrow(
      'breach_closed',
    )
    const { rows } = await run(
      'select effects, closed_at is not null as is_closed from gdpr.breaches where id = $1',
    )
    expect(rows).toEqual([{ effects: 'A stranger read one export.', is_closed: true }])
  })
})
