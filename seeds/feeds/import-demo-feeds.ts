/** Loads the demo feeds of this folder through the worker's own importer. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { z } from 'zod'
import { createFeedReader } from '../../worker/feeds/feed-reader.ts'
import { importFeedFile } from '../../worker/sources/import-feed-file.ts'
import { renderDemoFeed } from './render-demo-feed.ts'

const manifest = z.array(
  z.strictObject({
    file: z.string().regex(/^[\w-]+\.(xml|rdf|atom|json)$/),
    title: z.string(),
    topics: z.array(z.string()),
    language: z.string(),
  }),
)

/** How many feeds and items are there afterwards. */
export type DemoReport = { feeds: number; items: number }

/** Imports every feed the manifest names, as the worker's role. Again: dates move, nothing doubles. (Default now: now) */
export async function importDemoFeeds(pool: pg.Pool, now: Date = new Date()): Promise<DemoReport> {
  const entries = manifest.parse(JSON.parse(await readFile(pathOf('manifest.json'), 'utf8')))
  await using reader = createFeedReader()
  let items = 0
  for (const { file, title, topics, language } of entries) {
    const prepare = (bytes: Uint8Array) =>
      new TextEncoder().encode(renderDemoFeed(new TextDecoder().decode(bytes), now))
    const added = await importFeedFile(pool, pathOf(file), { title, topics, language, now, prepare, reader })
    items += added.read.feed.items.length
  }
  return { feeds: entries.length, items }
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}
