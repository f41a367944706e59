/** npm run backup:create: one more base backup of the running server. */
import { program } from 'commander'
import { z } from 'zod'
import { createBackup } from '../backup/create-backup.ts'
import { totalBytes } from '../backup/manifest.ts'
import { exitOnSignals } from '../backup/remove-at-exit.ts'
import { withSource } from '../backup/source.ts'
import { colors } from '../terminal/colors.ts'
import { runCommand } from '../terminal/run-command.ts'
import { sizeText } from '../terminal/sizes.ts'
import { seconds } from '../terminal/step-list.ts'

program
  .name('npm run backup:create --')
  .description('Copies the database cluster while it runs. HOWDAH_BACKUP_DIR says where to.')
  .option('--data-folder <folder>', 'data folder of the server HOWDAH_DATABASE_URL names, on this machine')
  .parse()
const options = z.object({ dataFolder: z.string().optional() }).parse(program.opts())

exitOnSignals()
runCommand((settings) =>
  withSource(settings, options.dataFolder, async (source) => {
    const from = performance.now()
    const { id, folder, manifest } = await createBackup(source)
    const size = manifest ? sizeText(totalBytes(manifest)) : ''
    console.log(`${colors.green('✓')} ${id}: ${size} in ${seconds(performance.now() - from)}, in ${folder}`)
    if (!source.isArchiving) {
      console.log(
        `${colors.yellow('!')} The log is not archived, so a restore comes back to this moment and to no later one. ` +
          'docs/backups.md says how to switch it on.',
      )
    }
    console.log('Prove it by a restore: npm run backup:verify')
    return 0
  }),
)
