/** npm run backup:list: what there is, and what is known of it. Exit code 1 when one is damaged. */
import { program } from 'commander'
import { allBackups } from '../backup/choose-backup.ts'
import { totalBytes } from '../backup/manifest.ts'
import { backupFolder, type StoredBackup } from '../backup/repository.ts'
import { archivedSegments } from '../backup/wal-archive.ts'
import { colors } from '../terminal/colors.ts'
import { runCommand } from '../terminal/run-command.ts'
import { agoText, sizeText } from '../terminal/sizes.ts'
import { renderTable } from '../terminal/table.ts'

program.name('npm run backup:list').description('What backups there are, and what is known of each.').parse()

runCommand(async (settings) => {
  const folder = backupFolder(settings)
  const all = allBackups(folder)
  if (all.length === 0) {
    console.log(`No backups in ${folder}. Make one: npm run backup:create`)
    return 0
  }
  const rows = all.map((backup) => [mark(backup), ...cells(backup)])
  console.log(renderTable(['', 'backup', 'age', 'size', 'Postgres', 'migration', 'restored'], rows))
  for (const { id, problem } of all) if (problem) console.log(`${id}: ${problem}`)
  for (const wal of new Set(all.map(({ repository }) => repository.wal))) {
    const segments = archivedSegments(wal)
    console.log(
      `${wal}: ${segments.length} segments of the log${segments.length > 0 ? `, up to ${segments.at(-1)}` : ''}`,
    )
  }
  return all.some(({ problem }) => problem) ? 1 : 0
})

function mark({ problem, verification }: StoredBackup): string {
  if (problem) return colors.red('✗')
  return verification ? colors.green('✓') : '·'
}

function cells({ id, at, manifest, verification }: StoredBackup): string[] {
  return [
    id,
    agoText(at),
    manifest ? sizeText(totalBytes(manifest)) : '',
    manifest ? `${Math.floor(manifest.server_version / 10_000)}.${manifest.server_version % 10_000}` : '',
    manifest?.migration ?? '',
    verification ? agoText(new Date(verification.verified_at)) : 'never',
  ]
}
