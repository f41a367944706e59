/** Demo content takes the way of real content: the worker's importer reads seeds/feeds. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Target } from '../provision/target.ts'
import type { Settings } from '../settings.ts'

/** Imports the feed files of seeds/feeds; their number and that of their items. */
export async function importDemoFeeds(
  _target: Target,
  settings: Settings,
): Promise<{ feeds: number; items: number }> {
  if (!existsSync(join(settings.projectDir, 'seeds', 'feeds', 'feeds.json'))) return { feeds: 0, items: 0 }
  throw new Error('to be joined with the worker importer')
}
