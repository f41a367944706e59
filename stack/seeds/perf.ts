/** seeds:perf and seeds:clear. */
import { type Target, urlFor } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import type { Settings } from '../settings.ts'
import { StackError } from '../stack-error.ts'
import { runSeedFiles } from './run-files.ts'
import { seedFiles } from './seed-files.ts'

/**
 * Runs seeds/perf with the number bound as seeds.perf_count, then lets the planner know.
 * @returns how many files ran
 */
export async function runPerfSeeds(target: Target, settings: Settings, count: number): Promise<number> {
  const files = await someFiles(settings, 'perf')
  await runSeedFiles(target, files, { perf_count: String(count) })
  await withClient(urlFor(target, 'howdah_migrations'), (owner) => owner.query('analyze'))
  return files.length
}

/** Removes what seeds:run and seeds:perf made. The modules go backwards: what refers to others goes first. */
export async function clearSeeds(target: Target, settings: Settings): Promise<number> {
  const files = await someFiles(settings, 'demo/clear')
  await runSeedFiles(target, files.toReversed())
  return files.length
}

async function someFiles(settings: Settings, folder: string) {
  const files = await seedFiles(settings.projectDir, folder)
  if (files.length > 0) return files
  throw new StackError(
    'refused',
    `seeds/${folder} holds no SQL file, so there is nothing to run.`,
    'seeds/README.md says what belongs there.',
  )
}
