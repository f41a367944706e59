/** Replays the ledger of erasures in a restored database, before anybody else may come in. */
import type { AfterRestoreStep } from '../backup/after-restore.ts'
import { withClient } from '../provision/with-client.ts'
import { readSettings } from '../settings.ts'
import { ledgerPlace } from './ledger-place.ts'
import { replayErasures, replayText } from './replay-erasures.ts'

/** The step of backup:restore. */
export const REPLAY_ERASURES: AfterRestoreStep = {
  title: 'Erasures since',
  run: ({ adminUrl, keptOutside }) =>
    withClient(adminUrl, async (client) => {
      const settings = readSettings(process.env)
      const { rowCount } = await client.query(
        `select where to_regprocedure('gdpr.replay_erasures(jsonb)') is not null`,
      )
      // Older than the ledger: its migrations come with npm start, and the replay after them.
      if (!rowCount) return 'replayed by npm start, after its migrations'
      await client.query('set session authorization howdah_migrations')
      const place = ledgerPlace({ ...settings, dataDir: keptOutside ?? settings.dataDir })
      return replayText(await replayErasures(client, place))
    }),
}
