/** npm run docs:generate: writes the pages of docs/ that are printed from the database. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withScratchDatabase } from '../../stack/db/with-scratch-database.ts'
import { withTarget } from '../../stack/db/with-target.ts'
import { urlFor } from '../../stack/provision/target.ts'
import { withClient } from '../../stack/provision/with-client.ts'
import { runCommand } from '../../stack/terminal/run-command.ts'
import { errorsPage } from './errors-page.ts'

runCommand(async (settings) => {
  const page = await withTarget(
    settings,
    (target) =>
      withScratchDatabase(target, settings.projectDir, (scratch) =>
        withClient(urlFor(scratch, 'howdah_migrations'), (client) => errorsPage(client)),
      ),
    { mayCreate: true },
  )
  const path = join('docs', 'errors.md')
  await writeFile(join(settings.projectDir, path), page)
  console.log(`Wrote ${path}.`)
  return 0
})
