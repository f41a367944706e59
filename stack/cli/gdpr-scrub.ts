/** npm run gdpr:scrub: writes every table with personal data anew, so that no dead row's bytes stay in its files. */
import { program } from 'commander'
import { withTarget } from '../db/with-target.ts'
import { scrub } from '../gdpr/scrub.ts'
import { adminUrlFor } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import { runCommand } from '../terminal/run-command.ts'

program
  .name('npm run gdpr:scrub --')
  .description('Rewrites tables with personal data. Each is locked while it is rewritten: for a quiet hour.')
  .parse()

runCommand(async (settings) => {
  const report = await withTarget(settings, (target) =>
    withClient(adminUrlFor(target, target.database), scrub),
  )
  console.log(`${report.rewritten.length} tables written anew, ${Math.round(report.bytes / 1024)} kB read.`)
  for (const { relation, problem } of report.skipped)
    console.error(`${relation} was left as it is: ${problem}`)
  return report.skipped.length > 0 ? 1 : 0
})
