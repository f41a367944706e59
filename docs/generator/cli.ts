/** npm run docs:generate: writes the pages of docs/ that are printed from the database. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withFreshDatabase } from '../../stack/db/with-fresh-database.ts'
import { runCommand } from '../../stack/terminal/run-command.ts'
import { errorsPage } from './errors-page.ts'

runCommand(async (settings) => {
  const path = join('docs', 'errors.md')
  await writeFile(join(settings.projectDir, path), await withFreshDatabase(settings, errorsPage))
  console.log(`Wrote ${path}.`)
  return 0
})
