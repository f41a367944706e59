/** Consents: in words that were shown, with a history that only grows, and taken back as easily as given (G-20). */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agreeTo } from '../../../setup/agree.ts'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { event } from '../../core/analytics/events.ts'

let db: TestDatabase
let api: TestApi
let ada: Person
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const state = async (person: Person, purpose: string) =>
  (await api.get(`/consents?purpose=eq.${purpose}`, person.token)).body[0]
const declare = (version: number, text: string) =>
  db.owner.query('select gdpr.declare_consent_purpose($1, $2, $3)', ['tea', version, { en: text }])
const history = async ({ id }: Person) =>
  (
    await db.owner.query(
      'select purpose, version, action, session_id, request_id from gdpr.consents where user_id = $1 order by number',
      [id],
    )
  ).rows

test('nothing is agreed to at first; given and withdrawn twice is written down once each', async () => {
  ada = await signUp(api)
  expect(await state(ada, 'analytics')).toMatchObject({ is_given: false, answered_at: null, version: 1 })
  const give = () =>
    api.request('POST', '/rpc/give_consent', {
      body: JSON.stringify({ purpose: 'analytics', version: 1 }),
      token: ada.token,
      headers: { 'content-type': 'application/json', 'x-request-id': 'settings-page-1' },
    })
  expect((await give()).body).toMatchObject([{ purpose: 'analytics', is_given: true }])
  await give()
  for (let turn = 0; turn < 2; turn++) {
    const { body } = await api.rpc('withdraw_consent', { purpose: 'analytics' }, ada.token)
    expect(body).toMatchObject([{ is_given: false, answered_version: 1 }])
  }
  const { rows } = await db.owner.query('select id from core.sessions where user_id = $1', [ada.id])
  expect(await history(ada)).toEqual([
    {
      purpose: 'analytics',
      version: 1,
      action: 'given',
      session_id: rows[0].id,
      request_id: 'settings-page-1',
    },
    {
      purpose: 'analytics',
      version: 1,
      action: 'withdrawn',
      session_id: rows[0].id,
      request_id: expect.stringMatching(/^tx-\d+$/),
    },
  ])
})

test('ten at once are one line', async () => {
  const bob = await signUp(api)
  await Promise.all(Array.from({ length: 10 }, () => agreeTo(api, 'product_news', bob)))
  expect(await history(bob)).toHaveLength(1)
})

describe('words', () => {
  test('that somebody agreed to never change; new ones ask everybody again', async () => {
    await declare(1, 'Tea at four?')
    await declare(1, 'Tea at five?')
    await agreeTo(api, 'tea', ada)
    await expect(declare(1, 'Tea at six?')).rejects.toThrow('consent_text_fixed')
    await declare(2, 'Tea at six?')
    expect(await state(ada, 'tea')).toMatchObject({
      version: 2,
      texts: { en: 'Tea at six?' },
      is_given: false,
      is_outdated: true,
      answered_version: 1,
    })
    const { rows } = await db.owner.query(`select core.has_consent($1, 'tea') as has`, [ada.id])
    expect(rows).toEqual([{ has: false }])
    const old = await api.rpc('give_consent', { purpose: 'tea', version: 1 }, ada.token)
    expect([old.status, old.body.message]).toEqual([409, 'consent_version_outdated'])
    await agreeTo(api, 'tea', ada)
    expect(await state(ada, 'tea')).toMatchObject({ is_given: true, is_outdated: false })
  })

  test('nobody asked for are refused, and so is nobody (consent_purpose_unknown, 401)', async () => {
    for (const [name, given] of Object.entries({
      give_consent: { purpose: 'nothing', version: 1 },
      withdraw_consent: { purpose: 'nothing' },
    })) {
      const answer = await api.rpc(name, given, ada.token)
      expect([answer.status, answer.body.message]).toEqual([404, 'consent_purpose_unknown'])
      expect((await api.rpc(name, given)).status).toBe(401)
    }
  })

  test('cannot be put into anybody’s mouth afterwards (consents_append_only)', async () => {
    await expect(db.owner.query(`update gdpr.consents set action = 'given'`)).rejects.toThrow(
      'consents_append_only',
    )
    for (const role of ['howdah_user', 'howdah_admin', 'howdah_worker'] as const) {
      await expect(
        db.session({ role, claims: { sub: ada.id } }, (client) => client.query('delete from gdpr.consents')),
      ).rejects.toMatchObject({ code: '42501' })
    }
  })
})

describe('events', () => {
  const track = async (person?: Person) => {
    const one = event({ name: 'tea.poured' })
    const { body } = await api.rpc('track_events', { events: [one] }, person?.token)
    return [body.accepted, body.refused[0]?.key]
  }

  test('of somebody signed in are stored from the consent on and until it is withdrawn; of nobody always', async () => {
    const carol = await signUp(api)
    expect(await track(carol)).toEqual([0, 'event_consent_missing'])
    expect(await track()).toEqual([1, undefined])
    await agreeTo(api, 'analytics', carol)
    expect(await track(carol)).toEqual([1, undefined])
    await api.rpc('withdraw_consent', { purpose: 'analytics' }, carol.token)
    for (let turn = 0; turn < 5; turn++) expect(await track(carol)).toEqual([0, 'event_consent_missing'])
    const { rows } = await db.owner.query(
      'select count(*)::int as stored from core.analytics_events where user_id = $1',
      [carol.id],
    )
    expect(rows).toEqual([{ stored: 1 }])
  })

  test('in bulk: those of people who did not agree are left out', async () => {
    const [yes, no] = [await signUp(api), await signUp(api)]
    await agreeTo(api, 'analytics', yes)
    const events = [yes.id, no.id, undefined].map((user_id) => ({
      ...event(),
      visitor_id: randomUUID(),
      user_id,
    }))
    const ingest = async () =>
      (await db.as('howdah_worker').query('select ops.ingest_events($1) as stored', [JSON.stringify(events)]))
        .rows
    expect(await ingest()).toEqual([{ stored: 2 }])
    await db.owner.query(`select ops.set_setting('analytics_requires_consent', 'false')`)
    expect(await ingest()).toEqual([{ stored: 1 }])
    expect(await track(no)).toEqual([1, undefined])
    await db.owner.query(`select ops.set_setting('analytics_requires_consent', 'true')`)
  })
})
