/** A source's turn against a real server and a real database (F-13, J-13, J-14). */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { WorkerServices } from '../../../worker/define-task.ts'
import { createFeedReader } from '../../../worker/feeds/feed-reader.ts'
import { parseFetchAllow } from '../../../worker/outgoing/fetch-allow.ts'
import { addFeed } from '../../../worker/sources/add-feed.ts'
import { fetchSource } from '../../../worker/sources/fetch-source.ts'
import { addSource, listSources } from '../../../worker/sources/store.ts'
import { task as enqueueDueSources } from '../../../worker/tasks/briefing/enqueue_due_sources.ts'
import { task as fetchSourceTask } from '../../../worker/tasks/briefing/fetch_source.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { rssDocument, rssItem } from '../support/feed-documents.ts'
import { taskContext } from '../support/task-context.ts'
import { startWebServer, type WebServer } from '../support/web-server.ts'

let db: TestDatabase
let server: WebServer
let services: WorkerServices
let answer: (request: IncomingMessage, response: ServerResponse) => void
let sourceId: string
let number = 0

const THREE_ITEMS = rssDocument([1, 2, 3].map((id) => rssItem(id)).join(''))

beforeAll(async () => {
  db = await testDatabase()
  server = await startWebServer((request, response) => answer(request, response))
  const allow = parseFetchAllow(`127.0.0.1:${server.port}`)
  services = { pool: db.as('howdah_worker'), reader: createFeedReader(), allow, dataDir: '/nowhere' }
})
afterAll(async () => {
  await services.reader[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await db.drop()
})
beforeEach(async () => {
  answer = (_, response) => response.end(THREE_ITEMS)
  const url = `${server.url}/feed-${++number}.xml`
  sourceId = await addSource(services.pool, { url, canonicalUrl: url, kind: 'feed' })
})

const stored = async () => (await listSources(services.pool)).find((source) => source.id === sourceId)

async function items() {
  const { rows } = await db.owner.query(
    'select id, guid, title, xmin::text from briefing.content_items where source_id = $1 order by guid',
    [sourceId],
  )
  return rows
}

test('the same feed ten times, then five times at once, gives the same items', async () => {
  expect(await fetchSource(sourceId, services)).toEqual({
    outcome: 'imported',
    counts: { inserted: 3, updated: 0, unchanged: 0 },
  })
  const first = await items()
  for (let round = 0; round < 9; round++) await fetchSource(sourceId, services)
  await Promise.all(Array.from({ length: 5 }, () => fetchSource(sourceId, services)))
  expect(await items()).toEqual(first)
})

test('five fetches at once of a new source give each item once', async () => {
  const results = await Promise.all(Array.from({ length: 5 }, () => fetchSource(sourceId, services)))
  const inserted = results.map((result) => (result.outcome === 'imported' ? result.counts.inserted : 0))
  expect(inserted.toSorted()).toEqual([0, 0, 0, 0, 3])
  expect(await items()).toHaveLength(3)
})

test('sends what the server said last, and a 304 writes no item', async () => {
  answer = (request, response) => {
    const isKnown = request.headers['if-none-match'] === '"v1"'
    response.writeHead(isKnown ? 304 : 200, { etag: '"v1"' }).end(isKnown ? undefined : THREE_ITEMS)
  }
  await fetchSource(sourceId, services)
  const before = await items()
  expect(await fetchSource(sourceId, services)).toEqual({ outcome: 'not_modified' })
  expect(await items()).toEqual(before)
  expect(await stored()).toMatchObject({ failure_count: 0, last_error_key: null, item_count: 3 })
})

test('a permanent redirect changes the address once', async () => {
  answer = (request, response) => {
    if (request.url?.includes('moved')) response.end(THREE_ITEMS)
    else response.writeHead(301, { location: `/moved-${number}.xml` }).end()
  }
  await fetchSource(sourceId, services)
  expect((await stored())?.url).toBe(`${server.url}/moved-${number}.xml`)
  const asked = server.requests.length
  await fetchSource(sourceId, services)
  expect(server.requests.length - asked).toBe(1)
})

test.each([
  ['feed_http_status', (response: ServerResponse) => response.writeHead(500).end()],
  [
    'feed_not_recognised',
    (response: ServerResponse) => response.end('<!doctype html><html><body>Hi</body></html>'),
  ],
  ['feed_malformed', (response: ServerResponse) => response.end('<rss><channel><item><title>One</title')],
  [
    'feed_forbidden_entities',
    (response: ServerResponse) => response.end(`<!DOCTYPE rss [<!ENTITY a "b">]>${THREE_ITEMS}`),
  ],
  ['feed_unreachable', (response: ServerResponse) => response.socket?.destroy()],
])('records %s and leaves the items alone', async (key, respond) => {
  await fetchSource(sourceId, services)
  const before = await items()
  answer = (_, response) => void respond(response)
  expect(await fetchSource(sourceId, services)).toMatchObject({ outcome: 'failed', error: { key } })
  expect(await stored()).toMatchObject({ failure_count: 1, last_error_key: key })
  expect(await items()).toEqual(before)
})

test('waits as long as the server asks', async () => {
  answer = (_, response) => response.writeHead(503, { 'retry-after': '7200' }).end()
  await fetchSource(sourceId, services)
  const wait = ((await stored())?.next_fetch_at.getTime() ?? 0) - Date.now()
  expect(wait / 60_000).toBeGreaterThan(115)
})

test('a source that is gone meanwhile is no failure', async () => {
  await db.owner.query('update briefing.content_sources set is_active = false where id = $1', [sourceId])
  expect(await fetchSource(sourceId, services)).toEqual({ outcome: 'gone' })
})

test('the task drops what newer or older versions add to a payload, and refuses what is no id', async () => {
  const context = taskContext(services)
  await fetchSourceTask({ source_id: sourceId, attempt: 1, _cron: { ts: 'x' } }, context)
  expect(await items()).toHaveLength(3)
  await expect(fetchSourceTask({ source_id: 'x' }, context)).rejects.toThrow(/source_id/)
})

test('schedulers that run at once queue each source once, with its id and nothing else', async () => {
  await db.owner.query('update briefing.content_sources set next_fetch_at = now(), is_active = true')
  const context = taskContext(services)
  await Promise.all(Array.from({ length: 5 }, () => enqueueDueSources({}, context)))
  const { rows } = await db.superuser.query(
    'select key, payload, attempts from graphile_worker._private_jobs where key is not null',
  )
  const sources = await listSources(services.pool)
  expect(rows).toHaveLength(sources.length)
  expect(rows.map((row) => row.payload)).toEqual(
    expect.arrayContaining(sources.map((source) => ({ source_id: source.id }))),
  )
})

test('feeds:add stores nothing when the address is private or no feed', async () => {
  const before = await listSources(services.pool)
  await expect(addFeed(services, 'http://127.0.0.1:1/feed', {})).rejects.toMatchObject({
    key: 'feed_url_forbidden',
    hint: expect.stringContaining('HOWDAH_FETCH_ALLOW'),
  })
  answer = (_, response) => response.end('<html></html>')
  await expect(addFeed(services, `${server.url}/page`, {})).rejects.toMatchObject({
    key: 'feed_not_recognised',
  })
  answer = (_, response) => response.end(THREE_ITEMS)
  await expect(addFeed(services, `${server.url}/new`, { topics: ['no-such-topic'] })).rejects.toThrow(
    'unknown_topic',
  )
  expect(await listSources(services.pool)).toEqual(before)
})

test('feeds:add twice is one source with the feed’s own title', async () => {
  const first = await addFeed(services, `${server.url}/added?utm_source=x`, {})
  const again = await addFeed(services, `${server.url}/added`, {})
  expect(again.sourceId).toBe(first.sourceId)
  expect(again.counts).toEqual({ inserted: 0, updated: 0, unchanged: 3 })
  const source = (await listSources(services.pool)).find(({ id }) => id === first.sourceId)
  expect(source).toMatchObject({ title: 'News', item_count: 3 })
})
