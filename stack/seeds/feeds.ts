/** Demo content takes the way of real content: the worker's importer reads seeds/feeds, as the worker's role. */
import pg from 'pg'
import { type Target, urlFor } from '../provision/target.ts'

/** Imports the feeds that seeds/feeds/manifest.json names; how many feeds and items are there afterwards. */
export async function loadDemoFeeds(target: Target): Promise<{ feeds: number; items: number }> {
  // Feed parsers are needed here only; a start that seeds nothing does not wait for them.
  const { importDemoFeeds } = await import('../../seeds/feeds/import-demo-feeds.ts')
  const pool = new pg.Pool({ connectionString: urlFor(target, 'howdah_worker'), max: 2 })
  try {
    return await importDemoFeeds(pool)
  } finally {
    await pool.end()
  }
}
