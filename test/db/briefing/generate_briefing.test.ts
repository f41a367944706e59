/** What a briefing holds, and why: chosen by what someone follows, never twice, reasons true. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setClock } from '../../setup/clock.ts'
import { testDatabase } from '../../setup/database.ts'
import { addSource, addTopic, hoursAgo, importItems } from './newsroom.ts'
import { type Card, newReader, type Reader } from './reader.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const sources: Record<string, string> = {}
const titles = (cards: Card[]) => cards.map(({ title }) => title)
const reasonOf = (cards: Card[], title: string) => cards.find((card) => card.title === title)?.reason

beforeAll(async () => {
  for (const topic of ['space', 'climate', 'football']) await addTopic(db, topic)
  for (const topic of ['space', 'climate', 'football']) {
    for (const n of [1, 2, 3]) {
      const name = `${topic} ${n}`
      sources[name] = await addSource(db, name, [topic])
      await importItems(
        db,
        sources[name],
        Array.from({ length: 8 }, (_, i) => ({
          guid: `${topic}-${n}-${i}`,
          title: `${topic} ${n} tells tale ${String.fromCharCode(97 + i)}`,
          published_at: hoursAgo(1 + i * 8 + n),
        })),
      )
    }
  }
  await importItems(db, sources['space 1'] ?? '', [
    { guid: 'future', title: 'space of tomorrow', published_at: hoursAgo(-5) },
  ])
  sources['Ferry Weekly'] = await addSource(db, 'Ferry Weekly')
  await importItems(db, sources['Ferry Weekly'], [
    { guid: 'f1', title: 'New ferry', published_at: hoursAgo(3) },
    { guid: 'f2', title: 'Tomorrow’s ferry', published_at: hoursAgo(-5) },
  ])
})

describe('generate_briefing', () => {
  it('takes what someone follows first and says so', async () => {
    const reader = await newReader(db, { topics: ['space'], card_limit: 5 })
    const cards = await reader.generate()
    expect(cards.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5])
    expect(new Set(cards.map(({ reason }) => reason))).toEqual(new Set(['You follow Space']))
    expect(cards.every(({ topics }) => topics.includes('space'))).toBe(true)
    expect(titles(cards)).not.toContain('space of tomorrow')
    expect(cards.map(({ score }) => score)).toEqual(cards.map(({ score }) => score).toSorted((a, b) => b - a))
  })

  it('names the followed source, and shows nothing from the future', async () => {
    const reader = await newReader(db, { card_limit: 20 })
    await reader.query('select api.follow_source($1)', [sources['Ferry Weekly']])
    const cards = await reader.generate()
    expect(cards[0]).toMatchObject({ title: 'New ferry', reason: 'From Ferry Weekly, which you follow' })
    expect(titles(cards)).not.toContain('Tomorrow’s ferry')
  })

  it('names topic and source where both are followed, and of two topics the rarer', async () => {
    await addTopic(db, 'comets', ['comet'])
    await importItems(db, sources['space 2'] ?? '', [
      { guid: 'comet', title: 'A comet', published_at: hoursAgo(0.2) },
    ])
    const reader = await newReader(db, { topics: ['space', 'comets'], card_limit: 12 })
    await reader.query('select api.follow_source($1)', [sources['space 1']])
    const cards = await reader.generate()
    expect(reasonOf(cards, 'A comet')).toBe('You follow Comets')
    for (const { source, reason } of cards)
      if (source.title === 'space 1') expect(reason).toBe('You follow Space and space 1')
    expect(cards.some(({ source }) => source.title === 'space 1')).toBe(true)
  })

  it('gives somebody who follows nothing the newest of anyone', async () => {
    const reader = await newReader(db)
    const cards = await reader.generate()
    expect(cards.length).toBe(12)
    for (const { reason, source } of cards) expect(reason).toBe(`New from ${source.title}`)
  })

  it('takes at most three of one source before all others, and more only to fill up', async () => {
    const flood = await addSource(db, 'Flood', ['climate'])
    const items = Array.from({ length: 10 }, (_, n) => ({ guid: `wave${n}`, published_at: hoursAgo(0.1) }))
    await importItems(db, flood, items)
    const isFlood = ({ source }: Card) => source.title === 'Flood'
    const some = await newReader(db, { topics: ['climate'], card_limit: 12 })
    expect((await some.generate()).filter(isFlood)).toHaveLength(3)
    const others = ['climate 1', 'climate 2'].map((name) => sources[name])
    const elsewhere = Object.values(sources).filter((id) => !others.includes(id))
    const few = await newReader(db, { topics: ['climate'], muted_sources: elsewhere, card_limit: 12 })
    const cards = await few.generate()
    const limited = cards.slice(0, 9)
    expect(limited.filter(isFlood)).toHaveLength(3)
    for (const n of [1, 2])
      expect(limited.filter(({ source }) => source.title === `climate ${n}`)).toHaveLength(3)
    expect(cards).toHaveLength(12)
  })

  it('tells a story once, and how many sources tell it', async () => {
    const title = 'Old lighthouse reopens after forty silent years'
    for (const n of [1, 2, 3]) {
      await importItems(db, sources[`football ${n}`] ?? '', [
        { guid: `story${n}`, title, published_at: hoursAgo(0.5) },
      ])
    }
    const cards = await (await newReader(db, { card_limit: 50 })).generate()
    expect(titles(cards).filter((shown) => shown === title)).toEqual([title])
    expect(reasonOf(cards, title)).toBe('Widely covered: 3 sources tell this story')
  })

  it('leaves out muted words as whole words in any case, muted sources and other languages', async () => {
    const source = await addSource(db, 'Mixed', ['climate'])
    await importItems(db, source, [
      { guid: 'm1', title: 'ROYAL wedding', published_at: hoursAgo(1) },
      { guid: 'm2', title: 'Royalties for poets', published_at: hoursAgo(1) },
      { guid: 'm3', title: 'Gletscher schmelzen', language: 'de', published_at: hoursAgo(1) },
    ])
    const reader = await newReader(db, {
      topics: ['climate'],
      muted_words: ['royal', '!!!', 'tells tale b'],
      muted_sources: [sources['climate 1']],
      languages: ['en'],
      card_limit: 50,
    })
    const shown = titles(await reader.generate())
    expect(shown).toContain('Royalties for poets')
    expect(shown.filter((t) => /ROYAL|Gletscher|climate 1|tale b$/.test(t))).toEqual([])
  })

  it('is the same when asked again, and another one when asked to refresh', async () => {
    const reader = await newReader(db, { card_limit: 3 })
    const first = await reader.generate()
    await reader.query('select api.follow_topic($1)', ['football'])
    expect(await reader.generate()).toEqual(first)
    expect(await reader.today()).toEqual(first)
    const anew = await reader.generate('refresh => true')
    expect(anew.map(({ reason }) => reason)).toEqual(Array(3).fill('You follow Football'))
    expect(await reader.today()).toEqual(anew)
  })

  it('is one briefing however many ask at once', async () => {
    const reader = await newReader(db)
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => (n % 2 ? reader.today() : reader.generate())),
    )
    for (const cards of answers) expect(cards).toEqual(answers[0])
    expect((await reader.query('select id from api.briefings')).length).toBe(1)
  })

  it('repeats nothing between editions, also when they are made at once', async () => {
    const reader = await newReader(db)
    const answers = await Promise.all(
      ['morning', 'evening', 'daily'].map((e) => reader.generate(`edition => '${e}'`)),
    )
    const ids = answers.flat().map(({ id }) => id)
    expect(ids.length).toBe(36)
    expect(new Set(ids).size).toBe(36)
  })

  it('shows one’s own briefings only', async () => {
    const [one, two] = [await newReader(db), await newReader(db)]
    await one.today()
    expect(await two.query('select id from api.briefings')).toEqual([])
    await expect(db.as('howdah_anon').query('select * from api.today_briefing()')).rejects.toMatchObject({
      code: '42501',
    })
  })

  it('makes none for a suspended account (account_not_found)', async () => {
    const reader = await newReader(db)
    await db.owner.query(`update core.users set status = 'suspended' where id = $1`, [reader.id])
    await expect(reader.today()).rejects.toMatchObject({ code: 'PT404', message: 'account_not_found' })
    expect(await reader.query('select id from api.briefings')).toEqual([])
  })

  it('refuses other days (briefing_date_out_of_range) and editions (briefing_edition_unknown)', async () => {
    const reader = await newReader(db, {}, 'Pacific/Apia')
    for (const days of [-2, 2, 400, -4000]) {
      await expect(
        reader.generate(`briefing_date => ((core.now() at time zone 'Pacific/Apia')::date + ${days})`),
      ).rejects.toMatchObject({ code: 'PT400', message: 'briefing_date_out_of_range' })
    }
    for (const day of ['infinity', '-infinity', '0001-01-01 BC']) {
      await expect(reader.generate(`briefing_date => '${day}'`)).rejects.toMatchObject({
        message: 'briefing_date_out_of_range',
      })
    }
    await expect(reader.generate(`edition => 'midnight'`)).rejects.toMatchObject({
      code: 'PT400',
      message: 'briefing_edition_unknown',
    })
    for (const days of [-1, 1]) {
      const cards = await reader.generate(
        `briefing_date => ((core.now() at time zone 'Pacific/Apia')::date + ${days})`,
      )
      expect(cards.length).toBe(12)
    }
  })
})

describe('the next days', () => {
  const seen = new Set<string>()
  let reader: Reader

  it('bring nothing twice', async () => {
    reader = await newReader(db, { topics: ['space', 'climate'], card_limit: 8 })
    for (const offset of ['0', '1 day', '2 days']) {
      await setClock(db, offset)
      const cards = await reader.today()
      expect(cards.length).toBe(8)
      for (const { id } of cards) {
        expect(seen.has(id)).toBe(false)
        seen.add(id)
      }
    }
    expect(await reader.query('select id from api.briefings')).toHaveLength(3)
  })

  it('do not bring a story again that somebody else tells later', async () => {
    const [first, second] = [await addSource(db, 'First'), await addSource(db, 'Second')]
    const title = 'Night train to the north runs again in winter'
    const follower = await newReader(db, { card_limit: 3 })
    await follower.query('select api.follow_source($1), api.follow_source($2)', [first, second])
    await importItems(db, first, [{ guid: 'n1', title, published_at: hoursAgo(-47) }])
    expect(titles(await follower.today())).toContain(title)
    await importItems(db, second, [
      { guid: 'n2', title: `${title}!`, published_at: hoursAgo(-48.1) },
      { guid: 'n3', title: 'Something else', published_at: hoursAgo(-48.1) },
    ])
    await setClock(db, '3 days')
    const shown = titles(await follower.today())
    expect(shown).toContain('Something else')
    expect(shown).not.toContain(`${title}!`)
  })

  it('are empty when nothing is left, and looked at again when something comes', async () => {
    await setClock(db, '12 days')
    expect(await reader.today()).toEqual([])
    await importItems(db, sources['space 1'] ?? '', [{ guid: 'late', published_at: hoursAgo(-280) }])
    expect(titles(await reader.today())).toEqual(['About late'])
  })
})
