/** Documents written to hurt (F-10): bounded in time, nothing fetched, nothing read, no script comes through. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SaxesParser } from 'saxes'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFeedReader, type FeedReader } from '../../../worker/feeds/feed-reader.ts'
import { isFeedError } from '../../../worker/worker-error.ts'
import { utf8 } from '../support/feed-documents.ts'
import { type HostileDocument, hostileDocuments } from '../support/hostile-documents.ts'
import { startWebServer, type WebServer } from '../support/web-server.ts'

const NOW = new Date('2026-11-20T12:00:00Z')
const SECRET = 'the canary file was read'
const NAMES = Object.keys(hostileDocuments('http://x', '/x'))

let canary: WebServer
let folder: string
let documents: Record<string, HostileDocument>
let reader: FeedReader

beforeAll(async () => {
  canary = await startWebServer((_, response) => response.end('<!ENTITY x "fetched">'))
  folder = await mkdtemp(join(tmpdir(), 'howdah-canary-'))
  await writeFile(join(folder, 'secret.txt'), SECRET)
  documents = hostileDocuments(canary.url, join(folder, 'secret.txt'))
  reader = createFeedReader()
  await reader.read(utf8('<rss><channel><title>Warm</title></channel></rss>'), { now: NOW })
})
afterAll(async () => {
  await reader[Symbol.asyncDispose]()
  await canary[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** A reader that took more than 2 s of processor time says so; the wall clock would blame a busy machine. */
type Result = { items: number; output: string } | { key: string; isOverLimit: boolean }

async function readDocument(name: string): Promise<Result> {
  const document = documents[name] as HostileDocument
  try {
    const { feed } = await reader.read(document.bytes, { now: NOW, url: `${canary.url}/feed.xml` })
    return { items: feed.items.length, output: JSON.stringify(feed) }
  } catch (error) {
    if (!isFeedError(error)) throw error
    return { key: error.key, isOverLimit: error.message.includes('took more than') }
  }
}

test(`there are at least 60 documents (${NAMES.length})`, () => {
  expect(NAMES.length).toBeGreaterThanOrEqual(60)
})

test.each(NAMES)('%s', async (name) => {
  const { items, key } = documents[name] as HostileDocument
  const result = await readDocument(name)
  expect(result).not.toMatchObject({ isOverLimit: true })
  if (items !== undefined) expect(result).toMatchObject({ items })
  if (key !== undefined) expect(result).toMatchObject({ key })
  const output = 'output' in result ? result.output : ''
  expect(output).not.toMatch(/<script|alert\(1\)|onerror|javascript:|data:text|fetched/i)
  expect(output).not.toContain(SECRET)
  expect({}).not.toHaveProperty('polluted')
  expect(canary.connections()).toBe(0)
})

test('what an independent parser calls well-formed and free of entities is never called broken', async () => {
  let compared = 0
  for (const name of NAMES) {
    const text = new TextDecoder().decode((documents[name] as HostileDocument).bytes)
    if (text.length > 200_000 || !/<(rss|feed|rdf:RDF)\b/.test(text) || !isWellFormed(text)) continue
    const result = await readDocument(name)
    if ('key' in result)
      expect([name, result.key]).toEqual([name, expect.not.stringMatching('feed_malformed')])
    compared++
  }
  expect(compared).toBeGreaterThan(10)
})

test('a reader that passes its limit of time or memory is killed, and the next read works', async () => {
  const item = '<item><title>Some words of a title</title></item>'
  const large = utf8(`<rss><channel>${item}<a>${'<b>c</b>'.repeat(600_000)}</a></channel></rss>`)
  for (const limits of [{ cpuLimitMs: 30 }, { heapLimitMb: 64 }]) {
    await using bounded = createFeedReader(limits)
    await expect(bounded.read(large, { now: NOW })).rejects.toMatchObject({ key: 'feed_malformed' })
    const small = await bounded.read(utf8(`<rss><channel>${item}</channel></rss>`), { now: NOW })
    expect(small.feed.items).toHaveLength(1)
  }
})

function isWellFormed(text: string): boolean {
  let isSound = true
  const parser = new SaxesParser({ xmlns: true })
  parser.on('error', () => {
    isSound = false
  })
  parser.write(text).close()
  return isSound
}
