/** Importing: the same feed ten times is one feed, five imports at once are one import. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../../setup/database.ts'
import { addSource, addTopic, hoursAgo, type Item, importItems } from './newsroom.ts'

const db = await testDatabase()
afterAll(() => db.drop())

beforeAll(async () => {
  await addTopic(db, 'climate', ['glacier', 'carbon tax', 'Klimawandel'])
  await addTopic(db, 'art', ['painting'])
})

type StoredItem = {
  id: string
  guid: string
  title: string
  topics: string[]
  story_id: string
  xmin: string
}

async function stored(sourceId: string): Promise<StoredItem[]> {
  const { rows } = await db.owner.query(
    'select id, guid, title, topics, story_id, xmin::text from briefing.content_items where source_id = $1 order by guid',
    [sourceId],
  )
  return rows
}

async function storyIds(...sources: string[]): Promise<Set<string>> {
  const all = await Promise.all(sources.map(stored))
  return new Set(all.flat().map((item) => item.story_id))
}

const FORTY: Item[] = Array.from({ length: 40 }, (_, n) => ({ guid: `g${n}`, published_at: hoursAgo(n) }))

describe('import_feed', () => {
  it('takes the same feed ten times and writes once', async () => {
    const source = await addSource(db, 'Ten Times')
    expect(await importItems(db, source, FORTY)).toEqual({ inserted: 40, updated: 0, unchanged: 0 })
    const before = await stored(source)
    for (let n = 0; n < 9; n++) {
      expect(await importItems(db, source, FORTY)).toEqual({ inserted: 0, updated: 0, unchanged: 40 })
    }
    expect(await stored(source)).toEqual(before)
  })

  it('takes the same feed five times at once', async () => {
    const source = await addSource(db, 'At Once')
    const gate = await db.owner.connect()
    const waiting = async () => {
      const { rows } = await gate.query(`select count(*)::int as count from pg_locks
        where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`)
      return rows[0].count
    }
    // All five stand at the lock for writing, or at the one before it, when it opens.
    await gate.query(`select pg_advisory_lock(hashtextextended('briefing.import_feed', 0))`)
    const imports = Promise.all(Array.from({ length: 5 }, () => importItems(db, source, FORTY)))
    await expect.poll(waiting).toBe(5)
    await gate.query('select pg_advisory_unlock_all()')
    gate.release()
    const counts = await imports
    expect(counts.reduce((sum, { inserted }) => sum + inserted, 0)).toBe(40)
    expect(counts.reduce((sum, { unchanged }) => sum + unchanged, 0)).toBe(160)
    expect((await stored(source)).length).toBe(40)
  })

  it('changes an item in place, with its topics', async () => {
    const source = await addSource(db, 'In Place')
    await importItems(db, source, [{ guid: 'a', title: 'A glacier melts', published_at: null }])
    const [before] = await stored(source)
    expect(before?.topics).toEqual(['climate'])
    const counts = await importItems(db, source, [
      { guid: 'a', title: 'A painting dries', published_at: null },
    ])
    expect(counts).toEqual({ inserted: 0, updated: 1, unchanged: 0 })
    const [after] = await stored(source)
    expect(after).toMatchObject({ id: before?.id, story_id: before?.story_id, topics: ['art'] })
    const { rows } = await db.owner.query('select topic from briefing.item_topics where item_id = $1', [
      after?.id,
    ])
    expect(rows).toEqual([{ topic: 'art' }])
  })

  it('finds topics by whole words, phrases, categories and source, not by parts of words', async () => {
    const source = await addSource(db, 'Topics', ['art'])
    const plain = await addSource(db, 'Plain')
    await importItems(db, source, [{ guid: 'by source' }])
    await importItems(db, plain, [
      { guid: '1 phrase', summary: 'They voted for a Carbon Tax.' },
      { guid: '2 half a phrase', summary: 'They voted for a tax on carbon.' },
      { guid: '3 category', categories: ['KLIMAWANDEL'] },
      { guid: '4 part of a word', title: 'A party of glaciers' },
      { guid: '5 name', title: 'The Art of War' },
    ])
    expect((await stored(source)).map(({ topics }) => topics)).toEqual([['art']])
    expect((await stored(plain)).map(({ topics }) => topics)).toEqual([
      ['climate'],
      [],
      ['climate'],
      [],
      ['art'],
    ])
  })

  it('refuses an unknown source (source_not_found) and a feed without items (feed_invalid)', async () => {
    const worker = db.as('howdah_worker')
    const unknown = '00000000-0000-7000-8000-000000000000'
    await expect(importItems(db, unknown, [])).rejects.toMatchObject({
      code: 'PT404',
      message: 'source_not_found',
    })
    const source = await addSource(db, 'No Items')
    for (const feed of ['{}', '[]', '{"items": 1}', 'null']) {
      await expect(
        worker.query('select * from briefing.import_feed($1, $2)', [source, feed]),
      ).rejects.toMatchObject({ code: 'PT400', message: 'feed_invalid' })
    }
  })

  it('survives what strangers write', async () => {
    const source = await addSource(db, 'Strangers')
    const hostile: Item[] = [
      { guid: 'x'.repeat(5000), title: 't'.repeat(5000), summary: 's'.repeat(50_000) },
      { guid: '漢'.repeat(2000), title: '💥'.repeat(400), url: `https://a.example/${'漢'.repeat(700)}` },
      { guid: 'dates', published_at: '2026-02-31T25:61:00Z' },
      { guid: 'far zone', published_at: '2026-02-01T00:00:00+15:59' },
      { guid: 'link', url: 'javascript:alert(1)' },
      { guid: 'sql', title: `'); drop table core.users; --`, categories: ['%', '\\', '"', "'"] },
      { guid: 'nothing', title: '', summary: '' },
      { guid: 'twice', title: 'first' },
      { guid: 'twice', title: 'second' },
    ]
    expect(await importItems(db, source, hostile)).toMatchObject({ inserted: 7 })
    expect((await importItems(db, source, hostile)).unchanged).toBe(7)
    const { rows } = await db.owner.query(
      `select title, url from briefing.content_items where source_id = $1 and guid in ('link', 'sql') order by guid`,
      [source],
    )
    expect(rows).toEqual([
      { title: 'About link', url: null },
      { title: `'); drop table core.users; --`, url: 'https://news.example/sql' },
    ])
  })
})

describe('stories', () => {
  const TITLE = 'Harbour council approves new ferry line to the islands'

  it('are shared by sources that tell the same under nearly the same title', async () => {
    const [one, two, three] = [
      await addSource(db, 'S1'),
      await addSource(db, 'S2'),
      await addSource(db, 'S3'),
    ]
    await importItems(db, one, [{ guid: 's1', title: TITLE }])
    await importItems(db, two, [{ guid: 's2', title: `${TITLE.toUpperCase()}!` }])
    await importItems(db, three, [
      { guid: 's3', title: 'Harbour council approves a new ferry line to islands' },
    ])
    expect((await storyIds(one, two, three)).size).toBe(1)
  })

  it('are shared by sources that link to the same address under any title', async () => {
    const [one, two] = [await addSource(db, 'L1'), await addSource(db, 'L2')]
    await importItems(db, one, [{ guid: 'l1', title: 'Bridge closed', url: 'https://paper.example/bridge' }])
    await importItems(db, two, [{ guid: 'l2', title: 'Look at this', url: 'https://paper.example/bridge' }])
    expect((await storyIds(one, two)).size).toBe(1)
  })

  it('are different where numbers differ, days lie between, or titles are short', async () => {
    const [one, two] = [await addSource(db, 'D1'), await addSource(db, 'D2')]
    await importItems(db, one, [
      { guid: 'n12', title: 'Deep sea diaries, the podcast: Episode 12' },
      { guid: 'old', title: 'Storm closes the northern mountain pass again', published_at: hoursAgo(100) },
      { guid: 'short', title: 'Weekly links' },
    ])
    await importItems(db, two, [
      { guid: 'n13', title: 'Deep sea diaries, the podcast: Episode 13' },
      { guid: 'new', title: 'Storm closes the northern mountain pass again' },
      { guid: 'short2', title: 'Weekly links' },
    ])
    expect((await storyIds(one, two)).size).toBe(6)
  })

  it('of one source under two guids and two addresses stay two, also when others copy them', async () => {
    const [one, two] = [await addSource(db, 'O1'), await addSource(db, 'O2')]
    const title = 'Parliament votes on the housing bill tonight'
    await importItems(db, one, [{ guid: 'a', title }])
    await importItems(db, two, [{ guid: 'b', title }])
    await importItems(db, one, [{ guid: 'c', title }])
    await importItems(db, two, [
      { guid: 'd', title },
      { guid: 'e', title },
    ])
    for (const source of [one, two]) {
      const items = await stored(source)
      expect(new Set(items.map(({ story_id }) => story_id)).size).toBe(items.length)
    }
  })

  it('do not melt together at an address that many stories share', async () => {
    const [podcast, fan] = [await addSource(db, 'Podcast'), await addSource(db, 'Fan')]
    const url = 'https://podcast.example/show'
    const episode = (title: string) => [{ guid: title, title, url }]
    await importItems(db, podcast, [...episode('On wheat and war'), ...episode('The quiet of libraries')])
    await importItems(db, podcast, episode('What bridges remember'))
    await importItems(db, fan, episode('My favourite podcast'))
    expect((await storyIds(podcast, fan)).size).toBe(4)
  })
})
