/** The database the generator reads: as the migrations make it, so that nothing left over gets into the SDK. */
import type pg from 'pg'
import { withScratchDatabase } from '../../stack/db/with-scratch-database.ts'
import { withTarget } from '../../stack/db/with-target.ts'
import { urlFor } from '../../stack/provision/target.ts'
import { withClient } from '../../stack/provision/with-client.ts'
import type { Settings } from '../../stack/settings.ts'

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
