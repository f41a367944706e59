/** The database's side of sources: each function is one call of SQL, its answer parsed. */
import type pg from 'pg'
import { z } from 'zod'
import type { Feed } from '../feeds/feed-schema.ts'
import type { FeedErrorKey } from '../worker-error.ts'

/** A pool or one connection of it (inside a transaction). */
export type Database = pg.Pool | pg.PoolClient

const source = z.object({
  id: z.uuid(),
  url: z.string(),
  etag: z.string().nullable(),
  last_modified: z.string().nullable(),
  language: z.string().nullable(),
})
const counts = z.object({ inserted: z.int(), updated: z.int(), unchanged: z.int() })
const listed = z.object({
  id: z.uuid(),
  title: z.string(),
  url: z.string(),
  topics: z.array(z.string()),
  item_count: z.coerce.number().int(),
  last_succeeded_at: z.date().nullable(),
  failure_count: z.int(),
  last_error_key: z.string().nullable(),
  next_fetch_at: z.date(),
})

export type Source = z.infer<typeof source>
/** How many items of a feed were new, changed and as before. */
export type ImportCounts = z.infer<typeof counts>
export type ListedSource = z.infer<typeof listed>

/** A source as an operator names it. */
export type NewSource = {
  url: string
  canonicalUrl: string
  title?: string | undefined
  topics?: string[] | undefined
  language?: string | undefined
  kind: 'feed' | 'file'
}

/** What a fetch came to. */
export type FetchRecord =
  | { outcome: 'imported'; etag?: string | null; lastModified?: string | null; movedTo?: string | null }
  | { outcome: 'not_modified'; movedTo?: string | null }
  | { outcome: 'failed'; errorKey: FeedErrorKey; retryAfterSeconds?: number | undefined }

/** Adds a source, or finds the one with this canonical URL. */
export async function addSource(database: Database, added: NewSource): Promise<string> {
  const { rows } = await database.query('select briefing.add_source($1, $2, $3, $4, $5, $6) as id', [
    added.url,
    added.canonicalUrl,
    added.title ?? null,
    added.topics ?? [],
    added.language ?? null,
    added.kind,
  ])
  return z.tuple([z.object({ id: z.uuid() })]).parse(rows)[0].id
}

/** The active source with this id, or undefined when there is none (any more). */
export async function sourceToFetch(database: Database, sourceId: string): Promise<Source | undefined> {
  const { rows } = await database.query('select * from briefing.source_to_fetch($1)', [sourceId])
  return z.array(source).parse(rows)[0]
}

/** Imports a feed's items. Repeating it changes nothing. */
export async function importFeed(database: Database, sourceId: string, feed: Feed): Promise<ImportCounts> {
  const { rows } = await database.query('select * from briefing.import_feed($1, $2)', [
    sourceId,
    JSON.stringify(feed),
  ])
  return z.tuple([counts]).parse(rows)[0]
}

/** Notes the outcome of a fetch; SQL plans the next one. */
export async function recordFetch(database: Database, sourceId: string, record: FetchRecord): Promise<void> {
  await database.query('select briefing.record_fetch($1, $2, $3, $4, $5, $6, $7)', [
    sourceId,
    record.outcome,
    record.outcome === 'failed' ? record.errorKey : null,
    record.outcome === 'imported' ? (record.etag ?? null) : null,
    record.outcome === 'imported' ? (record.lastModified ?? null) : null,
    record.outcome === 'failed' ? null : (record.movedTo ?? null),
    record.outcome === 'failed' ? (record.retryAfterSeconds ?? null) : null,
  ])
}

/** Every source with how its fetches went. */
export async function listSources(database: Database): Promise<ListedSource[]> {
  const { rows } = await database.query('select * from briefing.list_sources()')
  return z.array(listed).parse(rows)
}

/** The slugs of topics that go by these names; a name of no topic is left out. */
export async function topicsCalled(
  database: Database,
  names: readonly string[],
): Promise<Map<string, string[]>> {
  const { rows } = await database.query('select name, topics from briefing.topics_called($1)', [names])
  const parsed = z.array(z.object({ name: z.string(), topics: z.array(z.string()) })).parse(rows)
  return new Map(parsed.map(({ name, topics }) => [name, topics]))
}
