/**
 * graphile-migrate keeps a pool open for 200 ms after its last use and ends the whole process (exit code 1, no word)
 * when such a connection is cut, as `drop database … with (force)` does.
 */
import { setTimeout as sleep } from 'node:timers/promises'
// Not in the tool's index; the version is pinned exactly.
import { clearAllPools } from 'graphile-migrate/dist/pgReal.js'
import { adminUrlFor, type Target } from './target.ts'
import { withClient } from './with-client.ts'

const GONE_TIMEOUT_MS = 2_000

/** Closes the tool's pools and waits until the server has seen the sessions go. */
export async function releaseToolPools(target: Target): Promise<void> {
  clearAllPools()
  await withClient(adminUrlFor(target, 'postgres'), async (admin) => {
    const end = Date.now() + GONE_TIMEOUT_MS
    while (Date.now() < end) {
      const { rowCount } = await admin.query(
        `select 1 from pg_stat_activity where datname = $1 and usename = 'howdah_migrations'`,
        [target.database],
      )
      if (!rowCount) return
      await sleep(5)
    }
  })
}
