/** fixtures/index.sql with everything it includes, as graphile-migrate would run it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECT_DIR } from '../../../stack/project-dir.ts'

const FIXTURES = join(PROJECT_DIR, 'migrations', 'fixtures')

/** The text of a fixture, includes resolved. */
export function fixturesText(name = 'index.sql'): string {
  return readFileSync(join(FIXTURES, name), 'utf8').replace(
    /^--!\s*include[ \t]+(\S+)[ \t]*$/gm,
    (_, included: string) => fixturesText(included),
  )
}
