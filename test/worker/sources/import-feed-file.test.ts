/** Feed files and the demo feeds through the real database. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { importDemoFeeds } from '../../../seeds/feeds/import-demo-feeds.ts'
import { importFeedFile } from '../../../worker/sources/import-feed-file.ts'
import { listSources } from '../../../worker/sources/store.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { rssDocument, rssItem } from '../support/feed-documents.ts'

let db: TestDatabase
let folder: string

beforeAll(async () => {
  db = await testDatabase()
  folder = await mkdtemp(join(tmpdir(), 'howdah feeds ä '))
  await db.owner.query(
    `insert into briefing.topics (slug, name)
    select slug, initcap(slug)
    from unnest('{technology,ai,science,space,health,climate,business,culture,sports}'::text[]) as slug
    on conflict do nothing`,
  )
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await db.drop()
})

const worker = () => db.as('howdah_worker')

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

async function rows(sql: string, values: unknown[] = []) {
  return (await db.owner.query(sql, values)).rows
}

test('a file of 800 items comes in whole, and again gives the same items', async () => {
  const path = await file(
    'many items.xml',
    rssDocument(Array.from({ length: 800 }, (_, n) => rssItem(n)).join('')),
  )
  const first = await importFeedFile(worker(), path, { topics: ['science'], title: 'Many' })
  expect(first.counts).toEqual({ inserted: 800, updated: 0, unchanged: 0 })
  const again = await importFeedFile(worker(), path)
  expect(again).toMatchObject({
    sourceId: first.sourceId,
    counts: { inserted: 0, updated: 0, unchanged: 800 },
  })
  const sources = await listSources(worker())
  expect(sources).toHaveLength(1)
  expect(sources[0]).toMatchObject({
    title: 'Many',
    url: 'file:many%20items.xml',
    topics: ['science'],
    item_count: 800,
  })
})

test('a file is known by the address its feed names', async () => {
  const self = '<atom:link rel="self" href="https://self.example/feed/?utm_source=x"/>'
  const one = await importFeedFile(
    worker(),
    await file('one.xml', rssDocument(rssItem(1), { channel: self })),
  )
  const two = await importFeedFile(
    worker(),
    await file('two.xml', rssDocument(rssItem(2), { channel: self })),
  )
  expect(two.sourceId).toBe(one.sourceId)
  expect(
    await rows('select canonical_url, kind from briefing.content_sources where id = $1', [one.sourceId]),
  ).toEqual([{ canonical_url: 'https://self.example/feed', kind: 'file' }])
})

test.each([
  ['missing.xml', 'feed_unreachable', undefined],
  ['page.xml', 'feed_not_recognised', '<!doctype html><html></html>'],
  ['large.xml', 'feed_too_large', 'x'.repeat(6 * 1024 * 1024)],
  ['bomb.xml', 'feed_forbidden_entities', rssDocument('', { prolog: '<!DOCTYPE rss [<!ENTITY a "b">]>' })],
])('%s stores nothing (%s)', async (name, key, content) => {
  const before = await listSources(worker())
  const path = content === undefined ? join(folder, name) : await file(name, content)
  await expect(importFeedFile(worker(), path)).rejects.toMatchObject({ key })
  expect(await listSources(worker())).toEqual(before)
})

test('the demo feeds come in whole and fresh, twice the same, with one story told by two sources', async () => {
  const demo = `s.canonical_url like '%.example/%' and s.canonical_url not like '%self.%' or s.title = 'Touchline Sparrow'`
  const demoItems = `select i.* from briefing.content_items i join briefing.content_sources s on s.id = i.source_id where ${demo}`
  expect(await importDemoFeeds(worker())).toEqual({ feeds: 10, items: 120 })
  const first = await rows(`select id from (${demoItems}) as i order by id`)
  expect(first).toHaveLength(120)
  await importDemoFeeds(worker())
  expect(await rows(`select id from (${demoItems}) as i order by id`)).toEqual(first)

  const [figures] = await rows(`
    select
      min(published_at) > now() - interval '7 days' as is_fresh,
      max(published_at) <= now() as is_past,
      count(*) filter (where language is null)::int as without_language,
      count(*) filter (where summary = '')::int as without_summary,
      count(*) filter (where url is null)::int as without_url,
      count(*) filter (where title || summary ~ '[<>]|track\\(|&[a-z]+;')::int as with_markup,
      count(*) filter (where kind = 'podcast')::int as podcasts,
      count(*) - count(distinct story_id) as repeated_stories
    from (${demoItems}) as i`)
  expect(figures).toEqual({
    is_fresh: true,
    is_past: true,
    without_language: 0,
    without_summary: 0,
    without_url: 0,
    with_markup: 0,
    podcasts: 2,
    repeated_stories: '2',
  })
})
