/** Feeds are written by strangers: one of them must neither hold up the others nor give away what was entrusted to us. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { addSource, hoursAgo, type Item, importItems } from './newsroom.ts'
import { newReader } from './reader.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

/** Imports wait for each other, so one that takes long is everybody's. Several times what is needed; without bounds it
 * were 30 seconds and more. */
const PATIENCE_MS = 8000

/** Different words each time, the same each run. */
function words(seed: number, length: number): string {
  let text = ''
  for (let n = seed * 7919 + 1; text.length < length; n = (n * 48_271) % 2_147_483_647) {
    text += `${n.toString(36)} `
  }
  return text.slice(0, length)
}

async function timed(sourceId: string, items: Item[]): Promise<number> {
  const started = performance.now()
  const counts = await importItems(db, sourceId, items)
  expect(counts.inserted).toBe(items.length)
  return performance.now() - started
}

test('a thousand items at one address are imported at once', async () => {
  const source = await addSource(db, 'One Address')
  const items = Array.from({ length: 1000 }, (_, n) => ({
    guid: `same-${n}`,
    title: words(n, 300),
    url: 'https://flood.example/same',
    published_at: hoursAgo(1),
  }))
  expect(await timed(source, items)).toBeLessThan(PATIENCE_MS)
}, 90_000)

test('a flood of titles does not hold up the imports of others, and old stories are still found', async () => {
  const flood = await addSource(db, 'Flood')
  for (let part = 0; part < 2; part++) {
    const items = Array.from({ length: 1000 }, (_, n) => ({
      guid: `flood-${part}-${n}`,
      title: `Breaking news ${words(part * 1000 + n, 280)}`,
      published_at: hoursAgo(2),
    }))
    await importItems(db, flood, items)
  }
  const teller = await addSource(db, 'Teller')
  await importItems(db, teller, [
    { guid: 'told', title: 'Breaking news from the harbour: old crane saved', published_at: hoursAgo(1) },
  ])
  const honest = await addSource(db, 'Honest')
  const items = Array.from({ length: 100 }, (_, n) => ({
    guid: `honest-${n}`,
    title:
      n === 0 ? 'Breaking news from the harbour: old crane is saved' : `Breaking news ${words(n + 9000, 80)}`,
    published_at: hoursAgo(1),
  }))
  expect(await timed(honest, items)).toBeLessThan(PATIENCE_MS)
  const { rows } = await db.owner.query(
    `select count(distinct story_id)::integer as stories from briefing.content_items where guid in ('told', 'honest-0')`,
  )
  expect(rows[0].stories).toBe(1)
}, 90_000)

test('the address of a feed without a title is not shown: it may hold a password', async () => {
  const address = 'https://paper.example:8443/feed?token=secret-of-mine'
  const { rows } = await db.as('howdah_worker').query('select briefing.add_source($1, $1) as id', [address])
  await importUntitled(rows[0].id, null)
  const reader = await newReader(db)
  const shown = () =>
    reader.query<{ title: string }>('select title from api.content_sources where id = $1', [rows[0].id])
  expect(await shown()).toEqual([{ title: 'paper.example:8443' }])
  await importUntitled(rows[0].id, 'The Paper')
  expect(await shown()).toEqual([{ title: 'The Paper' }])
  await importUntitled(rows[0].id, 'Another Name')
  expect(await shown()).toEqual([{ title: 'The Paper' }])
})

async function importUntitled(sourceId: string, title: string | null): Promise<void> {
  const feed = { title, site_url: null, language: null, items: [] }
  await db.as('howdah_worker').query('select briefing.import_feed($1, $2)', [sourceId, JSON.stringify(feed)])
}
