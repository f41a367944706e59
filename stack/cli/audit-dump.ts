/** npm run audit:dump -- audit.jsonl: the audit log as a file that deploy/verify_audit.py verifies. */
import { program } from 'commander'
import { z } from 'zod'
import { dumpAudit } from '../db/audit-dump.ts'
import { withTarget } from '../db/with-target.ts'
import { runCommand } from '../terminal/run-command.ts'

program
  .name('npm run audit:dump --')
  .description('Writes the audit log and its seals to a file, one JSON array a line.')
  .argument('<file>', 'is overwritten')
  .option('--from-seal <number>', 'leaves out what was verified up to this seal', '0')
  .parse()
const { fromSeal } = z.object({ fromSeal: z.coerce.number().int().min(0) }).parse(program.opts())

runCommand(async (settings) => {
  const path = program.args[0] ?? ''
  const count = await withTarget(settings, (target) => dumpAudit(target, path, fromSeal))
  console.log(
    `${path}: ${count} lines. Verify with: python3 deploy/verify_audit.py ${path} audit-seals.jsonl`,
  )
  return 0
})
