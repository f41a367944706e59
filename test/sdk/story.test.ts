/** A new reader's first two days, through the SDK alone. */
import { afterAll, describe, expect, it } from 'vitest'
import { createClient, orThrow, rows, type shapes } from '../../sdk/src/index.ts'
import { testApi } from '../setup/api.ts'
import { setClock } from '../setup/clock.ts'
import { testDatabase } from '../setup/database.ts'
import { openNewsroom } from './news.ts'

const db = await testDatabase()
const api = await testApi(db)
const newsroom = await openNewsroom(db)
afterAll(() => db.drop())

const client = createClient({ url: api.url })
const about = (cards: shapes.BriefingCards, topic: string) =>
  cards.filter(({ topics }) => topics.includes(topic))
let firstDay: shapes.BriefingCards = []

describe('a new reader', () => {
  it('signs up, follows two topics and says how much to read', async () => {
    await newsroom.publish(0)
    await orThrow(
      client.auth.signUp({
        email: 'ada@example.com',
        password: 'correct horse battery',
        timezone: 'Asia/Tokyo',
      }),
    )
    const topics = await orThrow(client.from('topics').select('slug').order('slug'))
    expect(topics.map(({ slug }) => slug)).toEqual(['climate', 'football', 'money', 'space'])
    await orThrow(client.rpc('follow_topic', { topic: 'space' }))
    await orThrow(client.rpc('follow_topic', { topic: 'climate' }))
    const wish = { card_limit: 10 }
    const { preferences } = await orThrow(
      client.rpc('update_briefing_preferences', { preferences: wish }).single(),
    )
    expect(preferences).toEqual({ topics: ['space', 'climate'], card_limit: 10 })
  })

  it('gets a briefing of real items, each with a reason that is true', async () => {
    const briefing = rows.briefings.parse(await orThrow(client.briefings.today()))
    firstDay = briefing.cards
    expect(firstDay).toHaveLength(10)
    expect(firstDay.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(about(firstDay, 'space').length).toBeGreaterThanOrEqual(3)
    expect(about(firstDay, 'climate').length).toBeGreaterThanOrEqual(3)
    for (const card of about(firstDay, 'space')) expect(card.reason).toBe('You follow Space')
    for (const card of about(firstDay, 'climate')) expect(card.reason).toBe('You follow Climate')
    const items = await orThrow(
      client
        .from('content_items')
        .select('id, title')
        .in(
          'id',
          firstDay.map(({ id }) => id),
        ),
    )
    expect(new Map(items.map(({ id, title }) => [id, title]))).toEqual(
      new Map(firstDay.map(({ id, title }) => [id, title])),
    )
    expect((await orThrow(client.briefings.today())).id).toBe(briefing.id)
  })

  it('likes one topic, dislikes the other, and keeps a card', async () => {
    for (const { id } of about(firstDay, 'space')) {
      const given = rows.user_feedback.parse(await orThrow(client.briefings.feedback(id, 'like')))
      expect(given).toMatchObject({ card_id: id, kind: 'like', weight: 1 })
    }
    for (const { id } of about(firstDay, 'climate')) await orThrow(client.briefings.feedback(id, 'dislike'))
    const [best] = about(firstDay, 'space')
    if (!best) throw new Error('no card about space')
    await orThrow(client.briefings.feedback(best.id, { kind: 'dwell', dwellSeconds: 45 }))
    const kept = await orThrow(client.savedCards.save(best.id, { tags: ['rockets'], note: 'Read again 🚀' }))
    expect(rows.saved_cards.parse(kept).card).toEqual(best)
    expect(await orThrow(client.savedCards.search({ query: 'report', tags: ['rockets'] }))).toEqual([kept])
  })

  it('gets another briefing the next day, changed in the way the reasons say', async () => {
    await setClock(db, '1 day')
    await newsroom.publish(1)
    const { cards } = await orThrow(client.briefings.today())
    expect(cards).toHaveLength(10)
    const shown = new Set(firstDay.map(({ id }) => id))
    expect(cards.filter(({ id }) => shown.has(id))).toEqual([])
    expect(about(cards, 'space').length).toBeGreaterThan(about(firstDay, 'space').length)
    expect(about(cards, 'climate').length).toBeLessThan(about(firstDay, 'climate').length)
    expect(cards[0]?.topics).toEqual(['space'])
    for (const card of about(cards, 'space'))
      expect(card.reason).toBe('You follow Space and liked stories about it')
    expect(cards.map(({ reason }) => reason)).not.toContain('You liked stories about Climate')
  })

  it('lets the saved card go, and leaves', async () => {
    const [kept] = await orThrow(client.savedCards.search())
    await orThrow(client.savedCards.remove(kept?.card_id ?? ''))
    expect(await orThrow(client.from('saved_cards').select('id'))).toEqual([])
    await orThrow(client.auth.signOut())
    expect((await client.briefings.today()).error).toMatchObject({ code: '42501' })
  })
})
