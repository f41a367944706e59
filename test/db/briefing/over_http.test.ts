/** The module as clients meet it: through PostgREST, with a token. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type TestApi, testApi } from '../../setup/api.ts'
import { testDatabase } from '../../setup/database.ts'
import { type Person, signUp } from '../../setup/story.ts'
import { addSource, addTopic, hoursAgo, importItems } from './newsroom.ts'

const db = await testDatabase()
afterAll(() => db.drop())

let api: TestApi
let ada: Person
let bob: Person
let source = ''

beforeAll(async () => {
  await addTopic(db, 'space')
  source = await addSource(db, 'Orbit', ['space'])
  await importItems(
    db,
    source,
    Array.from({ length: 6 }, (_, n) => ({
      guid: `o${n}`,
      title: `Orbit ${n} <b>&`,
      published_at: hoursAgo(n + 1),
    })),
  )
  api = await testApi(db)
  ada = await signUp(api, { timezone: 'Asia/Tokyo' })
  bob = await signUp(api)
})

it('a newcomer follows, reads, reacts, saves and finds again', async () => {
  expect((await api.rpc('follow_topic', { topic: 'space' }, ada.token)).status).toBe(204)
  expect((await api.rpc('follow_source', { source_id: source }, ada.token)).status).toBe(204)
  const today = await api.rpc('today_briefing', {}, ada.token)
  expect(today).toMatchObject({ status: 200, body: [{ timezone: 'Asia/Tokyo', edition: 'daily' }] })
  const [card] = today.body[0].cards
  expect(card).toMatchObject({ title: 'Orbit 0 <b>&', reason: 'You follow Space and Orbit', position: 1 })
  const liked = await api.rpc('give_feedback', { card_id: card.id, kind: 'like' }, ada.token)
  expect(liked).toMatchObject({ status: 200, body: [{ kind: 'like', weight: 1 }] })
  const saved = await api.rpc('save_card', { card_id: card.id, tags: ['moon'] }, ada.token)
  expect(saved).toMatchObject({ status: 200, body: [{ tags: ['moon'], card: { id: card.id } }] })
  const changed = await api.request('PATCH', `/saved_cards?id=eq.${saved.body[0].id}`, {
    token: ada.token,
    body: { note: 'later' },
    headers: { prefer: 'return=representation' },
  })
  expect(changed).toMatchObject({ status: 200, body: [{ note: 'later' }] })
  const found = await api.rpc('search_saved_cards', { query: 'later', tags: ['moon'] }, ada.token)
  expect(found.body).toMatchObject([{ card_id: card.id }])
  const searched = await api.rpc('search_content', { query: 'orbit' }, ada.token)
  expect(searched.body).toHaveLength(6)
  const followed = await api.get('/followed_sources?select=content_sources(title)', ada.token)
  expect(followed.body).toEqual([{ content_sources: { title: 'Orbit' } }])
})

it('refuses writes without a filter and writes to what is not there to be written', async () => {
  for (const method of ['PATCH', 'DELETE']) {
    const answer = await api.request(method, '/saved_cards', { token: ada.token, body: { note: 'all' } })
    expect(answer).toMatchObject({ status: 400, body: { message: 'write_without_filter' } })
  }
  for (const view of [
    'briefings',
    'user_feedback',
    'content_items',
    'content_sources',
    'followed_sources',
    'topics',
  ]) {
    for (const method of ['PATCH', 'DELETE']) {
      const sent = { token: ada.token, body: { created_at: '2000-01-01' } }
      const answer = await api.request(method, `/${view}?created_at=gt.2000-01-01`, sent)
      expect(answer.status, `${method} ${view}`).toBe(403)
    }
  }
  expect((await api.get('/saved_cards?select=note', ada.token)).body).toEqual([{ note: 'later' }])
})

it('keeps people apart', async () => {
  for (const view of ['briefings', 'user_feedback', 'saved_cards', 'followed_sources']) {
    expect((await api.get(`/${view}`, ada.token)).body.length, view).toBeGreaterThan(0)
    expect(await api.get(`/${view}`, bob.token)).toMatchObject({ status: 200, body: [] })
  }
  const [{ id }] = (await api.get('/saved_cards?select=id', ada.token)).body
  await api.request('DELETE', `/saved_cards?id=eq.${id}`, { token: bob.token })
  expect((await api.get('/saved_cards?select=id', ada.token)).body).toEqual([{ id }])
})

it('shows strangers the topics and nothing else', async () => {
  expect(await api.get('/topics?select=slug')).toMatchObject({ status: 200, body: [{ slug: 'space' }] })
  for (const view of ['content_items', 'content_sources', 'briefings', 'briefing_preferences']) {
    expect((await api.get(`/${view}`)).status, view).toBe(401)
  }
  for (const name of ['today_briefing', 'generate_briefing'])
    expect((await api.rpc(name)).status, name).toBe(401)
})

it('answers mistakes with a key, a sentence and a hint', async () => {
  const mistakes: [string, Record<string, unknown>, number, string][] = [
    ['update_briefing_preferences', { preferences: { card_limit: 0 } }, 400, 'preferences_invalid'],
    ['follow_topic', { topic: 'nonsense' }, 400, 'unknown_topic'],
    ['generate_briefing', { briefing_date: '1999-01-01' }, 400, 'briefing_date_out_of_range'],
    ['give_feedback', { card_id: source, kind: 'like' }, 404, 'card_not_found'],
    ['save_card', { card_id: source }, 404, 'card_not_found'],
    ['search_content', { query: '' }, 400, 'search_query_invalid'],
  ]
  for (const [name, args, status, message] of mistakes) {
    const answer = await api.rpc(name, args, bob.token)
    expect(answer).toMatchObject({ status, body: { message } })
    expect(answer.body.details.length).toBeGreaterThan(5)
    expect(answer.body.hint.length).toBeGreaterThan(5)
  }
  const tag = await api.request('PATCH', '/saved_cards?note=eq.later', {
    token: ada.token,
    body: { tags: [' x'] },
  })
  expect(tag.status).toBe(400)
  expect(JSON.stringify(tag.body)).not.toMatch(/Failing row|later/)
})
