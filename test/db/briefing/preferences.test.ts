/** Preferences and follows: merged, checked, idempotent, one's own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../../setup/database.ts'
import { addSource, addTopic } from './newsroom.ts'
import { newReader } from './reader.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const NOBODY = '00000000-0000-0000-0000-000000000000'
let source = ''

beforeAll(async () => {
  for (const topic of ['space', 'climate', 'money']) await addTopic(db, topic)
  source = await addSource(db, 'A source')
})

describe('update_briefing_preferences', () => {
  it('merges what is sent and takes back what is null', async () => {
    const reader = await newReader(db)
    await reader.prefer({ topics: ['space'], card_limit: 5 })
    const { preferences } = await reader.prefer({ languages: ['de'], card_limit: null })
    expect(preferences).toEqual({ topics: ['space'], languages: ['de'] })
    expect((await reader.prefer({}))['preferences']).toEqual(preferences)
  })

  it.each([
    [{ card_limit: 0 }, /^card_limit must match .*"minimum": 1/],
    [{ card_limit: 51 }, /^card_limit must match/],
    [{ card_limit: 2.5 }, /^card_limit must match/],
    [{ card_limit: '5' }, /^card_limit must match/],
    [{ briefing_time: '25:00' }, /^briefing_time must match/],
    [{ briefing_time: '7:00' }, /^briefing_time must match/],
    [{ topics: 'space' }, /^topics must match .*array/],
    [{ topics: ['space', 'SPACE'] }, /^topics\[1\] must match/],
    [{ topics: ['space', 'space'] }, /^topics must match/],
    [{ muted_words: [''] }, /^muted_words\[0\] must match/],
    [{ muted_words: Array.from({ length: 20_000 }, (_, n) => `word ${n}`) }, /^muted_words must match/],
    [{ muted_words: ['x'.repeat(100_000)] }, /^muted_words\[0\] must match/],
    [{ muted_sources: ['me'] }, /^muted_sources\[0\] must match/],
    [{ languages: ['english'] }, /^languages\[0\] must match/],
    [{ colour: 'red' }, /^"colour" is not a preference/],
    [{ colour: null }, /^"colour" is not a preference/],
    [{ __proto__x: 1, 'a"b\n': 1 }, /is not a preference/],
  ])('refuses %j and names the path (preferences_invalid)', async (sent, detail) => {
    const reader = await newReader(db, { card_limit: 7 })
    await expect(reader.prefer(sent)).rejects.toMatchObject({
      code: 'PT400',
      message: 'preferences_invalid',
      detail: expect.stringMatching(detail),
    })
    expect(await reader.query('select preferences from api.briefing_preferences')).toEqual([
      { preferences: { card_limit: 7 } },
    ])
  })

  it('refuses other things than objects (preferences_invalid)', async () => {
    const reader = await newReader(db)
    for (const sent of ['[]', '1', '"topics"', 'null', null]) {
      await expect(
        reader.query('select * from api.update_briefing_preferences($1)', [sent]),
      ).rejects.toMatchObject({ message: 'preferences_invalid' })
    }
  })

  it('refuses unknown topics (unknown_topic) and sources (source_not_found)', async () => {
    const reader = await newReader(db)
    await expect(reader.prefer({ topics: ['space', 'nonsense'] })).rejects.toMatchObject({
      message: 'unknown_topic',
    })
    await expect(reader.prefer({ muted_sources: [source, NOBODY] })).rejects.toMatchObject({
      code: 'PT404',
      message: 'source_not_found',
    })
  })

  it('accepts every kind of word to mute', async () => {
    const words = ['ÄRGER', '漢字', '💥', `'; drop table core.users; --`, '& | !', '%_\\', 'two words']
    const reader = await newReader(db, { muted_words: words })
    expect(await reader.generate()).toEqual([])
  })

  it('loses nothing when two change different things at once', async () => {
    const reader = await newReader(db)
    await Promise.all([
      reader.prefer({ card_limit: 9 }),
      reader.prefer({ languages: ['en'] }),
      reader.query(`select api.follow_topic('space')`),
      reader.query(`select api.follow_topic('climate')`),
    ])
    const [own] = await reader.query('select preferences from api.briefing_preferences')
    expect(own?.['preferences']).toMatchObject({ card_limit: 9, languages: ['en'] })
    expect(own?.['preferences'].topics.toSorted()).toEqual(['climate', 'space'])
  })

  it('needs somebody (not_signed_in)', async () => {
    await expect(db.owner.query(`select * from api.update_briefing_preferences('{}')`)).rejects.toMatchObject(
      {
        code: 'PT401',
        message: 'not_signed_in',
      },
    )
  })
})

describe('following', () => {
  it('a topic or a source twice is following it once, and back', async () => {
    const reader = await newReader(db)
    for (let n = 0; n < 2; n++) {
      await reader.query(`select api.follow_topic('space'), api.follow_source($1)`, [source])
    }
    expect(await reader.query('select source_id from api.followed_sources')).toEqual([{ source_id: source }])
    expect(
      await reader.query(`select preferences -> 'topics' as topics from api.briefing_preferences`),
    ).toEqual([{ topics: ['space'] }])
    for (let n = 0; n < 2; n++) {
      await reader.query(`select api.unfollow_topic('space'), api.unfollow_source($1)`, [source])
    }
    expect(await reader.query('select source_id from api.followed_sources')).toEqual([])
    expect(
      await reader.query(`select preferences -> 'topics' as topics from api.briefing_preferences`),
    ).toEqual([{ topics: [] }])
  })

  it('refuses what is not there (unknown_topic, source_not_found)', async () => {
    const reader = await newReader(db)
    for (const topic of ['nonsense', '', null, 'x'.repeat(10_000)]) {
      await expect(reader.query('select api.follow_topic($1)', [topic])).rejects.toMatchObject({
        message: 'unknown_topic',
      })
    }
    for (const id of [NOBODY, null]) {
      await expect(reader.query('select api.follow_source($1)', [id])).rejects.toMatchObject({
        message: 'source_not_found',
      })
    }
  })

  it('ends at 500 sources (too_many_follows)', async () => {
    const reader = await newReader(db)
    await db.owner.query(
      `with more as (
        insert into briefing.content_sources (url, canonical_url, title)
        select u, u, 'Many' from (select 'https://many.example/' || n from generate_series(1, 500) as n) as m (u) returning id
      ) insert into briefing.followed_sources (user_id, source_id) select $1, id from more`,
      [reader.id],
    )
    await expect(reader.query('select api.follow_source($1)', [source])).rejects.toMatchObject({
      code: 'PT409',
      message: 'too_many_follows',
    })
    await reader.query('select api.follow_source(source_id) from api.followed_sources limit 1')
  })

  it('is everyone’s own business', async () => {
    const [one, two] = [await newReader(db), await newReader(db)]
    await one.query('select api.follow_source($1)', [source])
    await two.query('select api.unfollow_source($1)', [source])
    expect((await one.query('select source_id from api.followed_sources')).length).toBe(1)
    expect(await two.query('select source_id from api.followed_sources')).toEqual([])
  })
})
