/** npm run gdpr:key: the public keys that verify certificates and the ledger of erasures. */
import { program } from 'commander'
import { z } from 'zod'
import { loadSigningKey, rotateSigningKey, signingKeyFile } from '../../worker/proof/signing-key.ts'
import { runCommand } from '../terminal/run-command.ts'

program
  .name('npm run gdpr:key --')
  .description(
    'Prints the public keys of this instance, the current one first; makes a key if there is none.',
  )
  .option('--rotate', 'puts a new key in place; the old one verifies what it has signed')
  .parse()
const options = z.object({ rotate: z.boolean().default(false) }).parse(program.opts())

runCommand(async ({ dataDir }) => {
  const { current, former } = options.rotate ? rotateSigningKey(dataDir) : loadSigningKey(dataDir)
  console.error(`${signingKeyFile(dataDir)}: current key ${current.id}, ${former.length} former.`)
  for (const { pem } of [current, ...former]) process.stdout.write(pem)
  return 0
})
