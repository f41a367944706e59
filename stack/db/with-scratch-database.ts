/** A database as the migrations make it, for whoever prints something from it: no leftovers get in. */
import { randomBytes } from 'node:crypto'
import { provision } from '../provision/provision.ts'
import type { Target } from '../provision/target.ts'
import { dropDatabase } from './reset.ts'

/** Makes a database on the target's server, provisions it, hands it to `work` and drops it. */
export async function withScratchDatabase<T>(
  target: Target,
  projectDir: string,
  work: (scratch: Target) => Promise<T>,
): Promise<T> {
  const scratch: Target = {
    ...target,
    database: `${target.database}_scratch_${randomBytes(4).toString('hex')}`,
  }
  try {
    await provision(scratch, projectDir)
    return await work(scratch)
  } finally {
    await dropDatabase(scratch)
  }
}
