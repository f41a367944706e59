/** npm run audit:dump -- audit.jsonl: the audit log as a file that deploy/verify_audit.py verifies. */
import { join, relative } from 'node:path'
import { program } from 'commander'
import { z } from 'zod'
import { dumpAudit } from '../db/audit-dump.ts'
import { withTarget } from '../db/with-target.ts'
import { StackError } from '../stack-error.ts'
import { runCommand } from '../terminal/run-command.ts'

program
  .name('npm run audit:dump --')
  .description('Writes the audit log and its seals to a file, one JSON array a line.')
  .argument('<file>', 'is overwritten')
  .option('--from-seal <number>', 'leaves out what was verified up to this seal', '0')
  .parse()
const options = z.object({ fromSeal: z.string() }).parse(program.opts())

runCommand(async (settings) => {
  const path = program.args[0] ?? ''
  const seal = z.coerce.number().int().min(0).safeParse(options.fromSeal)
  if (!seal.success) {
    throw new StackError(
      'refused',
      `"${options.fromSeal}" is not the number of a seal.`,
      `For instance: npm run audit:dump -- ${path} --from-seal 3`,
    )
  }
  const count = await withTarget(settings, (target) => dumpAudit(target, path, seal.data))
  const seals = relative(process.cwd(), join(settings.dataDir, 'audit-seals.jsonl'))
  const from = seal.data > 0 ? ` --from-seal ${seal.data}` : ''
  console.log(`${path}: ${count} lines. Verify with: python3 deploy/verify_audit.py ${path} ${seals}${from}`)
  return 0
})
