/** Reactions count once, concurrently nothing is lost, and tomorrow's briefing shows what was said today. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setClock } from '../../setup/clock.ts'
import { testDatabase } from '../../setup/database.ts'
import { addSource, addTopic, hoursAgo, importItems } from './newsroom.ts'
import { type Card, newReader, type Reader } from './reader.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const TOPICS = ['space', 'climate', 'football', 'money']
const sources: string[] = []

/** For each topic three sources, each with a new item for `day` and the three before it. */
async function publish(day: number): Promise<void> {
  for (const [n, source] of sources.entries()) {
    const topic = TOPICS[n % TOPICS.length]
    await importItems(
      db,
      source,
      [0, 1, 2].map((i) => ({
        guid: `${n}-${day}-${i}`,
        title: `${topic} item ${n} ${day} ${i}`,
        published_at: hoursAgo(2 + n / 100 + i - day * 24),
      })),
    )
  }
}

beforeAll(async () => {
  for (const topic of TOPICS) await addTopic(db, topic)
  for (let n = 0; n < 12; n++) sources.push(await addSource(db, `Source ${n}`, [TOPICS[n % 4] ?? '']))
  await publish(0)
})

async function weight(
  reader: Reader,
  topic: string,
): Promise<{ weight: number; like_count: number } | undefined> {
  const { rows } = await db.owner.query(
    'select weight, like_count from briefing.user_topic_weights where user_id = $1 and topic = $2',
    [reader.id, topic],
  )
  return rows[0]
}

async function cardAbout(reader: Reader, topic: string): Promise<Card> {
  const card = (await reader.today()).find(({ topics }) => topics.includes(topic))
  if (!card) throw new Error(`no card about ${topic} in this briefing`)
  return card
}

const everything = () => newReader(db, { topics: TOPICS, card_limit: 12 })

describe('give_feedback', () => {
  it('moves the topics of the card by the weight of the kind', async () => {
    const kinds = { like: 1, dislike: -1.5, save: 0.8, share: 1, dismiss: -0.5, click: 0.2 }
    for (const [kind, points] of Object.entries(kinds)) {
      const reader = await everything()
      const { id } = await cardAbout(reader, 'space')
      expect(await reader.give(id, kind)).toMatchObject({
        kind,
        weight: points,
        event_count: 1,
        topics: ['space'],
      })
      expect((await weight(reader, 'space'))?.weight).toBeCloseTo(points, 6)
      expect(await weight(reader, 'climate')).toBeUndefined()
    }
  })

  it('counts the same reaction once, also when five come at once', async () => {
    const reader = await everything()
    const { id } = await cardAbout(reader, 'space')
    await Promise.all(Array.from({ length: 5 }, () => reader.give(id, 'like')))
    expect(await reader.query('select kind, event_count from api.user_feedback')).toEqual([
      { kind: 'like', event_count: 5 },
    ])
    expect(await weight(reader, 'space')).toEqual({ weight: expect.closeTo(1, 6), like_count: 1 })
  })

  it('lets like and dislike replace each other, back and forth', async () => {
    const reader = await everything()
    const { id } = await cardAbout(reader, 'space')
    for (const [kind, points, likes] of [
      ['like', 1, 1],
      ['dislike', -1.5, 0],
      ['like', 1, 1],
    ] as const) {
      await reader.give(id, kind)
      expect(await weight(reader, 'space')).toEqual({ weight: expect.closeTo(points, 6), like_count: likes })
      expect(await reader.query('select kind from api.user_feedback')).toEqual([{ kind }])
    }
  })

  it('never leaves both when like and dislike come at once', async () => {
    const reader = await everything()
    const { id } = await cardAbout(reader, 'space')
    await Promise.all(Array.from({ length: 8 }, (_, n) => reader.give(id, n % 2 ? 'like' : 'dislike')))
    const [left, ...more] = await reader.query('select kind, weight from api.user_feedback')
    expect(more).toEqual([])
    expect((await weight(reader, 'space'))?.weight).toBeCloseTo(left?.['weight'], 6)
  })

  it('loses nothing when reactions to many cards of a topic come at once', async () => {
    const reader = await everything()
    const cards = (await reader.today()).filter(({ topics }) => topics.includes('space'))
    expect(cards.length).toBeGreaterThan(1)
    await Promise.all(cards.flatMap(({ id }) => [reader.give(id, 'like'), reader.give(id, 'click')]))
    expect((await weight(reader, 'space'))?.weight).toBeCloseTo(cards.length * 1.2, 6)
  })

  it('counts the longest of several looks', async () => {
    const reader = await everything()
    const { id } = await cardAbout(reader, 'space')
    for (const [seconds, points] of [
      [3, -0.1],
      [300, 0.5],
      [40, 0.5],
    ] as const) {
      expect(await reader.give(id, 'dwell', seconds)).toMatchObject({ weight: points })
      expect((await weight(reader, 'space'))?.weight).toBeCloseTo(points, 6)
    }
  })

  it('refuses what nobody was shown (card_not_found), other kinds and seconds', async () => {
    const [reader, other] = [await everything(), await everything()]
    const { id } = await cardAbout(reader, 'space')
    for (const card of [id, sources[0] ?? '', '00000000-0000-0000-0000-000000000000']) {
      await expect(other.give(card, 'like')).rejects.toMatchObject({
        code: 'PT404',
        message: 'card_not_found',
      })
    }
    for (const kind of ['love', '', 'LIKE', 'like '.repeat(1000)]) {
      await expect(reader.give(id, kind)).rejects.toMatchObject({
        code: 'PT400',
        message: 'feedback_kind_unknown',
      })
    }
    for (const [kind, seconds] of [
      ['dwell', undefined],
      ['dwell', -1],
      ['dwell', 86_401],
      ['like', 5],
    ] as const) {
      await expect(reader.give(id, kind, seconds)).rejects.toMatchObject({
        message: 'feedback_dwell_invalid',
      })
    }
    expect(await reader.query('select id from api.user_feedback')).toEqual([])
    expect(await other.query('select id from api.user_feedback')).toEqual([])
  })
})

describe('tomorrow', () => {
  let liker: Reader
  let disliker: Reader
  let stranger: Reader
  let hater: Reader

  beforeAll(async () => {
    liker = await everything()
    disliker = await everything()
    stranger = await newReader(db, { card_limit: 12 })
    hater = await newReader(db, { card_limit: 12 })
    for (const { id, topics } of await liker.today())
      if (topics.includes('climate')) await liker.give(id, 'like')
    for (const { id, topics } of await disliker.today())
      if (topics.includes('climate')) await disliker.give(id, 'dislike')
    for (const { id, topics } of await stranger.today())
      if (topics.includes('money')) await stranger.give(id, 'like')
    for (const { id, topics } of await hater.today())
      if (topics.includes('money')) await hater.give(id, 'dislike')
    await publish(1)
    await setClock(db, '1 day')
  })

  const places = (cards: Card[], topic: string) =>
    cards.flatMap(({ topics, position }) => (topics.includes(topic) ? [position] : []))

  it('puts first what was liked, and says so', async () => {
    const cards = await liker.today()
    expect(places(cards, 'climate').slice(0, 3)).toEqual([1, 2, 3])
    expect(cards[0]?.reason).toBe('You follow Climate and liked stories about it')
    expect(cards.find(({ topics }) => topics.includes('space'))?.reason).toBe('You follow Space')
  })

  it('sinks what was disliked', async () => {
    const cards = await disliker.today()
    expect(cards.length).toBe(12)
    for (const place of places(cards, 'climate')) expect(place).toBeGreaterThan(9)
  })

  it('brings more of what was liked without being followed', async () => {
    const cards = await stranger.today()
    expect(cards[0]?.topics).toEqual(['money'])
    expect(cards[0]?.reason).toBe('You liked stories about Money')
  })

  it('sinks what was disliked without being followed below all that is neutral', async () => {
    const cards = await hater.today()
    expect(cards).toHaveLength(12)
    expect(places(cards, 'money').filter((place) => place <= 9)).toEqual([])
  })

  it('remembers half of it a month later', async () => {
    const { rows } = await db.owner.query(
      `select briefing.faded_weight(w.weight, w.weighed_at, w.weighed_at + interval '30 days') / w.weight as left
      from briefing.user_topic_weights as w where user_id = $1`,
      [liker.id],
    )
    expect(rows).toEqual([{ left: expect.closeTo(0.5, 9) }])
  })
})
