/**
 * What a stack keeps in its data folder beside the database, and what a restored one needs again. None of it is in a
 * backup: the keys must not lie where the locks are.
 */
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { StackError } from '../stack-error.ts'

const SECRETS = 'secrets.json'

/** By name; those that are not there are left out. */
const KEPT_OUTSIDE = [SECRETS, 'audit-seals.jsonl', 'erasures.jsonl', 'signing-key.json']

/**
 * Copies them to the folder of a restored stack.
 * @throws refused without the secrets
 */
export function copyKeptOutside(from: string, into: string): void {
  if (!existsSync(join(from, SECRETS))) {
    throw new StackError(
      'refused',
      `There is no ${SECRETS} in ${from}, and backups hold no passwords and no keys: without it the restored stack cannot ` +
        'log in to its database, nor read what is encrypted in it.',
      'Name the folder that has it, or a copy of it: --kept-outside /path/to/folder. ' +
        'For a bare data folder, to be served by a Postgres of your own: --cluster',
    )
  }
  for (const name of KEPT_OUTSIDE) {
    if (existsSync(join(from, name))) copyFileSync(join(from, name), join(into, name))
  }
}
