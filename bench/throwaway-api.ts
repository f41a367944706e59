/** A PostgREST on a database nobody misses afterwards. */
import { freePort } from '../stack/free-port.ts'
import { postgrestBinary } from '../stack/postgrest/binary.ts'
import { launchPostgrest } from '../stack/postgrest/launch.ts'
import { type Target, urlFor } from '../stack/provision/target.ts'
import { withThrowawayDatabase } from './throwaway-database.ts'

/** Starts both, works, and removes all of it; `prepare` runs before PostgREST starts. */
export async function withThrowawayApi<T>(
  prepare: (target: Target) => Promise<void>,
  work: (url: string, target: Target) => Promise<T>,
): Promise<T> {
  return withThrowawayDatabase(async (target, settings) => {
    await prepare(target)
    const api = await launchPostgrest({
      binary: postgrestBinary(settings.postgrestBin),
      databaseUrl: urlFor(target, 'howdah_authenticator'),
      jwtSecret: target.secrets.jwt_secret,
      port: await freePort(),
      adminPort: await freePort(),
      settings: {},
    })
    try {
      return await work(api.url, target)
    } finally {
      await api.stop()
    }
  })
}
