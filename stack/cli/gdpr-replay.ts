/** npm run gdpr:replay: erases again who lives again after a restore. npm start and backup:restore do it by themselves. */
import { resolve } from 'node:path'
import { program } from 'commander'
import { z } from 'zod'
import { withTarget } from '../db/with-target.ts'
import { ledgerPlace } from '../gdpr/ledger-place.ts'
import { replayErasures, replayText } from '../gdpr/replay-erasures.ts'
import { urlFor } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import { runCommand } from '../terminal/run-command.ts'

program
  .name('npm run gdpr:replay --')
  .description('Erases again whoever is alive in this database and erased by the ledger. Safe to repeat.')
  .option('--ledger <file>', 'erasures.jsonl (Default: the one of the data folder)')
  .parse()
const options = z.object({ ledger: z.string().optional() }).parse(program.opts())

runCommand(async (settings) => {
  const place = ledgerPlace(settings)
  const ledger = options.ledger ? resolve(options.ledger) : place.ledger
  const report = await withTarget(settings, (target) =>
    withClient(urlFor(target, 'howdah_migrations'), (owner) => replayErasures(owner, { ...place, ledger })),
  )
  console.log(`${ledger}: ${replayText(report)}.`)
  return 0
})
