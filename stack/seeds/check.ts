/** seeds:check: the queries of seeds/check say what is expected; this says whether it is so. */
import { z } from 'zod'
import { sqlFailure } from '../provision/sql-failure.ts'
import { type Target, urlFor } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import type { Settings } from '../settings.ts'
import { StackError } from '../stack-error.ts'
import { seedFiles } from './seed-files.ts'

const expectation = z.strictObject({
  what: z.string(),
  expected: z.string().nullable(),
  found: z.string().nullable(),
  is_ok: z.boolean(),
})

/** One expectation and what was found. */
export type Expectation = z.infer<typeof expectation>

/**
 * Runs every file of seeds/check.
 * @throws refused when there is none, or one returns no row (then it checks nothing)
 */
export async function checkSeeds(target: Target, settings: Settings): Promise<Expectation[]> {
  const files = await seedFiles(settings.projectDir, 'check')
  if (files.length === 0) {
    throw new StackError(
      'refused',
      'seeds/check holds no file, so nothing can be checked.',
      'seeds/README.md says what a check is.',
    )
  }
  return withClient(urlFor(target, 'howdah_migrations'), async (client) => {
    const found: Expectation[] = []
    for (const file of files) {
      const { rows } = await client.query(file.sql).catch((cause: unknown) => {
        throw sqlFailure('Running a seed check', file.path, file.sql, cause)
      })
      if (rows.length === 0) {
        throw new StackError(
          'refused',
          `${file.path} returned no row, so it checks nothing.`,
          'Make it return one row for each expectation.',
        )
      }
      found.push(...z.array(expectation).parse(rows))
    }
    return found
  })
}
