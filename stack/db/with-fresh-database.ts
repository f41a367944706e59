/** A database as the migrations of this checkout make it, for the generators: nothing left over gets into what they print. */
import type pg from 'pg'
import { urlFor } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import type { Settings } from '../settings.ts'
import { withScratchDatabase } from './with-scratch-database.ts'
import { withTarget } from './with-target.ts'

/** Makes the database beside that of the stack (running or not), works with it as its owner, and drops it. */
export async function withFreshDatabase<T>(
  settings: Settings,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return withTarget(
    settings,
    (target) =>
      withScratchDatabase(target, settings.projectDir, (scratch) =>
        withClient(urlFor(scratch, 'howdah_migrations'), work),
      ),
    { mayCreate: true },
  )
}
