/** npm run gdpr:certificate -- <erasure>: the signed certificate of an erasure, as deploy/verify_certificate.py reads it. */
import { program } from 'commander'
import { withTarget } from '../db/with-target.ts'
import { urlFor } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import { StackError } from '../stack-error.ts'
import { runCommand } from '../terminal/run-command.ts'

program
  .name('npm run gdpr:certificate --')
  .description('Prints the certificate of an erasure as JSON.')
  .argument('[erasure]', 'id in gdpr.erasure_ledger (Default: the newest that is proven)')
  .parse()

runCommand(async (settings) => {
  const certificate = await withTarget(settings, (target) =>
    withClient(urlFor(target, 'howdah_migrations'), async (owner) => {
      const { rows } = await owner.query<{ answer: unknown }>(
        `select gdpr.erasure_certificate(l.id) as answer from gdpr.erasure_ledger as l
         where l.id::text = $1 or $1 is null and l.signature is not null order by l.verified_at desc limit 1`,
        [program.args[0] ?? null],
      )
      return rows[0]?.answer
    }),
  )
  if (certificate === undefined) {
    throw new StackError(
      'refused',
      'There is no such erasure, or none is proven yet.',
      'npm run db:sql -- "select id, state from gdpr.erasure_ledger"',
    )
  }
  console.log(JSON.stringify(certificate, null, 2))
  return 0
})
