/** The one-shot service of docker-compose.yml: makes or updates the database, then tells a running PostgREST. */
import { initDatabase } from '../stack/db/init.ts'
import { urlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'
import { runCommand } from '../stack/terminal/run-command.ts'
import { deploymentTarget } from './deployment-target.ts'
import { mailSettings, writeMailSettings } from './mail-settings.ts'

runCommand(async (settings) => {
  const target = deploymentTarget(process.env)
  const mails = mailSettings(process.env)
  const { isNew, appliedCount } = await initDatabase(target, settings)
  await withClient(urlFor(target, 'howdah_migrations'), async (owner) => {
    await writeMailSettings(owner, mails, isNew)
    await owner.query(`notify pgrst, 'reload schema'`)
  })
  console.log(`${isNew ? 'Made' : 'Updated'} the database: ${appliedCount} committed migrations applied.`)
  return 0
})
