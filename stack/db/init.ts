/** db:init: makes the database with roles, extensions, schema and reference data; harmless on one that exists. */
import { markSeeded } from '../provision/mark-seeded.ts'
import { type ProvisionReport, provision } from '../provision/provision.ts'
import type { Target } from '../provision/target.ts'
import { runReferenceSeeds } from '../seeds/demo.ts'
import type { Settings } from '../settings.ts'

/** Provisions and loads reference data. */
export async function initDatabase(target: Target, settings: Settings): Promise<ProvisionReport> {
  const report = await provision(target, settings.projectDir)
  await runReferenceSeeds(target, settings)
  await markSeeded(target)
  return report
}
