/** npm run docs:generate: writes the pages of docs/, and the rules for Prometheus, that are printed from the database. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withFreshDatabase } from '../../stack/db/with-fresh-database.ts'
import { runCommand } from '../../stack/terminal/run-command.ts'
import { errorsPage } from './errors-page.ts'
import { prometheusRules } from './prometheus-rules.ts'
import { settingsPage } from './settings-page.ts'

runCommand(async (settings) => {
  const pages = await withFreshDatabase(settings, async (client) => ({
    'docs/errors.md': await errorsPage(client),
    'docs/settings.md': await settingsPage(client),
    'deploy/prometheus/howdah.rules.yml': await prometheusRules(client),
  }))
  for (const [path, text] of Object.entries(pages)) {
    await writeFile(join(settings.projectDir, path), text)
    console.log(`Wrote ${path}.`)
  }
  return 0
})
