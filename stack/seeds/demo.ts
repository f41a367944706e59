/** What `npm run seeds:setup` and `npm run seeds:run` load. */
import { type Target, urlFor } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import type { Settings } from '../settings.ts'
import { loadDemoFeeds } from './feeds.ts'
import { runSeedFiles } from './run-files.ts'
import { seedFiles } from './seed-files.ts'

/** The account demo/core.sql makes; `npm start` shows it. Its password is public. */
export const DEMO_ACCOUNT = { email: 'ada@example.com', password: 'correct horse battery' }

/** Whether somebody could sign in with it: seeds:clear removes it. */
export function hasDemoAccount(target: Target): Promise<boolean> {
  return withClient(urlFor(target, 'howdah_migrations'), async (owner) => {
    const { rowCount } = await owner.query('select 1 from core.users where email = $1', [DEMO_ACCOUNT.email])
    return rowCount === 1
  })
}

/** What was loaded. */
export type SeedReport = { files: number; feeds: number; items: number }

/** Loads what every installation needs. Can be repeated. */
export async function runReferenceSeeds(target: Target, settings: Settings): Promise<SeedReport> {
  const files = await seedFiles(settings.projectDir, 'reference')
  await runSeedFiles(target, files)
  return { files: files.length, feeds: 0, items: 0 }
}

/** Loads reference data, the demo accounts, the feeds (through the worker's importer), then what builds on them. */
export async function runDemoSeeds(target: Target, settings: Settings): Promise<SeedReport> {
  const reference = await runReferenceSeeds(target, settings)
  const before = await seedFiles(settings.projectDir, 'demo')
  await runSeedFiles(target, before)
  const imported = await loadDemoFeeds(target)
  const after = await seedFiles(settings.projectDir, 'demo/after_feeds')
  await runSeedFiles(target, after)
  return { files: reference.files + before.length + after.length, ...imported }
}
