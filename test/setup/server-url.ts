/** A server that already runs (HOWDAH_DATABASE_URL, a superuser's URL): CI tests Postgres 15 this way. */
import { postgrestBinary } from '../../stack/postgrest/binary.ts'
import { withClient } from '../../stack/provision/with-client.ts'
import type { Settings } from '../../stack/settings.ts'
import { StackError } from '../../stack/stack-error.ts'
import type { StartedServer } from './global.ts'

/**
 * Checks that the URL is a superuser's. The run makes databases named howdah_test_… there and sets new passwords for
 * the howdah_* roles, so never point it at a server that serves anybody.
 */
export async function useServer(settings: Settings, adminUrl: string): Promise<StartedServer> {
  await withClient(adminUrl, async (client) => {
    const { rows } = await client.query<{ is_super: string; user: string }>(
      `select current_setting('is_superuser') as is_super, current_user as user`,
    )
    if (rows[0]?.is_super !== 'on') {
      throw new StackError(
        'settings_invalid',
        `HOWDAH_DATABASE_URL logs in as "${rows[0]?.user}", who is no superuser; the tests make roles and extensions.`,
        "Use a superuser's URL of a server that serves nobody else.",
      )
    }
  })
  return {
    adminUrl,
    api: { kind: 'binary', path: postgrestBinary(settings.postgrestBin) },
    stop: async () => {},
  }
}
