/** Topics, sources and items for the tests of this folder, brought in the way the worker brings them. */
import type { TestDatabase } from '../../setup/database.ts'

/** An item as a feed says it; what is left out is made up from the guid. */
export type Item = {
  guid: string
  title?: string
  summary?: string
  url?: string | null
  categories?: string[]
  language?: string
  kind?: string
  published_at?: string | null
}

/** What briefing.import_feed counted. */
export type Counts = { inserted: number; updated: number; unchanged: number }

/** Adds a topic that is assigned by its slug, its name and `keywords`. */
export async function addTopic(db: TestDatabase, slug: string, keywords: string[] = []): Promise<void> {
  const name = slug[0]?.toUpperCase() + slug.slice(1)
  await db.owner.query('insert into briefing.topics (slug, name, keywords) values ($1, $2, $3)', [
    slug,
    name,
    keywords,
  ])
}

/** Adds a source and returns its id. */
export async function addSource(db: TestDatabase, title: string, topics: string[] = []): Promise<string> {
  const address = `https://${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.example/feed`
  const { rows } = await db
    .as('howdah_worker')
    .query('select briefing.add_source($1, $1, $2, $3) as id', [address, title, topics])
  return rows[0].id
}

/** Imports items into a source as the worker does. */
export async function importItems(db: TestDatabase, sourceId: string, items: Item[]): Promise<Counts> {
  const feed = { title: 'A feed', site_url: null, language: 'en', items: items.map(complete) }
  const { rows } = await db
    .as('howdah_worker')
    .query('select * from briefing.import_feed($1, $2)', [sourceId, JSON.stringify(feed)])
  return rows[0]
}

/** The same item made twice is the same item. */
const STARTED_MS = Date.now()

/** The instant so many hours before the test file began, as feeds write it. */
export function hoursAgo(hours: number): string {
  return new Date(STARTED_MS - hours * 3_600_000).toISOString()
}

function complete(item: Item): Record<string, unknown> {
  const url = item.url === undefined ? `https://news.example/${item.guid}` : item.url
  return {
    title: `About ${item.guid}`,
    summary: '',
    author: null,
    language: null,
    image_url: null,
    kind: 'article',
    published_at: hoursAgo(2),
    categories: [],
    ...item,
    url,
    canonical_url: url,
  }
}
