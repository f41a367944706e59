/** Replays the ledger of erasures in a restored database, before anybody else may come in. */
import type { AfterRestoreStep } from '../backup/after-restore.ts'
import { withClient } from '../provision/with-client.ts'
import { type LedgerPlace, replayErasures, replayText } from './replay-erasures.ts'

/** The step of backup:restore. A backup from before there was a ledger is migrated, and replayed, by npm start. */
export function replayStep(place: LedgerPlace): AfterRestoreStep {
  return {
    title: 'Erasures since',
    run: ({ adminUrl }) =>
      withClient(adminUrl, async (client) => {
        const { rowCount } = await client.query(
          `select where to_regprocedure('gdpr.replay_erasures(jsonb)') is not null`,
        )
        if (!rowCount) return 'replayed by npm start, after its migrations'
        await client.query('set session authorization howdah_migrations')
        return replayText(await replayErasures(client, place))
      }),
  }
}
