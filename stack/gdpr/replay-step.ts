/** Replays the ledger of erasures in a restored database, before anybody else may come in. */
import type pg from 'pg'
import type { AfterRestoreStep } from '../backup/after-restore.ts'
import { withClient } from '../provision/with-client.ts'
import { readSettings } from '../settings.ts'
import { StackError } from '../stack-error.ts'
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
      const report = await replayErasures(client, place)
      for (const erasure of report.erased) await demandProof(client, erasure)
      return replayText(report)
    }),
}

/** Nobody waits for this database yet, so it is searched at once; the worker signs what was found later. */
async function demandProof(client: pg.Client, erasure: string): Promise<void> {
  const { rows } = await client.query<{ hits: unknown[] }>(
    `select gdpr.verify_erasure($1) -> 'hits' as hits`,
    [erasure],
  )
  const hits = rows[0]?.hits ?? ['no answer']
  if (hits.length === 0) return
  throw new StackError(
    'erasures_not_replayed',
    `Erasure ${erasure}, done again, left something behind: ${JSON.stringify(hits)}`,
    'Nobody is let in until this is mended; docs/erasure-proof.md says how.',
  )
}
