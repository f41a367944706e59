/** After a restore nobody is signed in: a session that was ended since the backup would live again otherwise. */
import { withClient } from '../provision/with-client.ts'
import type { AfterRestoreStep } from './after-restore.ts'

/** The step; a database without Howdah's functions has no sessions either. */
export const END_SESSIONS: AfterRestoreStep = {
  title: 'Sessions',
  run: ({ adminUrl }) =>
    withClient(adminUrl, async (client) => {
      const known = await client.query<{ is_there: boolean }>(
        `select to_regprocedure('ops.end_every_session()') is not null as is_there`,
      )
      if (!known.rows[0]?.is_there) return 'this database knows none'
      const { rows } = await client.query<{ count: string }>('select ops.end_every_session() as count')
      return `${rows[0]?.count ?? 0} ended, everybody signs in again`
    }),
}
