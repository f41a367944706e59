/** npm run docs:generate: writes the pages of docs/ that are printed from the database. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withFreshDatabase } from '../../stack/db/with-fresh-database.ts'
import { runCommand } from '../../stack/terminal/run-command.ts'
import { errorsPage } from './errors-page.ts'
import { settingsPage } from './settings-page.ts'

runCommand(async (settings) => {
  const pages = await withFreshDatabase(settings, async (client) => ({
    'errors.md': await errorsPage(client),
    'settings.md': await settingsPage(client),
  }))
  for (const [name, text] of Object.entries(pages)) {
    const path = join('docs', name)
    await writeFile(join(settings.projectDir, path), text)
    console.log(`Wrote ${path}.`)
  }
  return 0
})
