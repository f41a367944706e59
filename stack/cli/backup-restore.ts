/** npm run backup:restore -- --into ../restored: a new data folder from a backup, as of the end of the log or of a moment. */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { program } from 'commander'
import { z } from 'zod'
import { chooseBackup } from '../backup/choose-backup.ts'
import { copyKeptOutside } from '../backup/kept-outside.ts'
import { postgresPrograms } from '../backup/programs.ts'
import type { RecoveryTarget } from '../backup/recovery-target.ts'
import { exitOnSignals } from '../backup/remove-at-exit.ts'
import { backupFolder } from '../backup/repository.ts'
import { restoreBaseBackup } from '../backup/restore-base-backup.ts'
import { archivedSegments } from '../backup/wal-archive.ts'
import { clusterFolder, outsideFolder } from '../postgres/cluster-folder.ts'
import { postgresOsUser } from '../postgres/os-user.ts'
import { StackError } from '../stack-error.ts'
import { colors } from '../terminal/colors.ts'
import { runCommand } from '../terminal/run-command.ts'
import { seconds } from '../terminal/step-list.ts'

program
  .name('npm run backup:restore --')
  .description('Makes a new data folder from a backup and the archived log. Never writes over anything.')
  .requiredOption('--into <folder>', 'a folder that does not exist yet; HOWDAH_DATA_DIR names it afterwards')
  .option(
    '--to <time>',
    'as of this moment, for instance 2026-11-20T14:05:00Z (default: all that was archived)',
  )
  .option('--from <backup>', 'name or folder of the backup (default: the newest before that moment)')
  .option('--without-archive', 'as of the moment the backup was made')
  .option('--timeline <timeline>', 'follow another timeline: latest, or a number')
  .option('--kept-outside <folder>', 'where secrets.json is (default: this data folder)')
  .option('--cluster', 'a bare data folder, for a Postgres of your own')
  .parse()
const options = z
  .object({
    into: z.string(),
    to: z.string().optional(),
    from: z.string().optional(),
    withoutArchive: z.boolean().default(false),
    timeline: z
      .string()
      .regex(/^(latest|current|\d+)$/)
      .optional(),
    keptOutside: z.string().optional(),
    cluster: z.boolean().default(false),
  })
  .parse(program.opts())

exitOnSignals()
runCommand(async (settings) => {
  const from = performance.now()
  const [into, keptOutside] = [resolve(options.into), resolve(options.keptOutside ?? settings.dataDir)]
  const moment = options.to === undefined ? undefined : momentOf(options.to)
  const backup = chooseBackup(backupFolder(settings), options.from, moment)
  refuseTaken(into)
  console.log(`From ${backup.folder}`)
  const user = postgresOsUser(console.error)
  const { wal } = backup.repository
  const hasArchive = !options.withoutArchive && existsSync(wal) && archivedSegments(wal).length > 0
  try {
    if (!options.cluster) {
      mkdirSync(into, { recursive: true, mode: user ? 0o711 : 0o700 })
      copyKeptOutside(keptOutside, into)
    }
    const report = await restoreBaseBackup({
      from: backup.folder,
      into: options.cluster ? into : clusterFolder(into, user),
      walArchive: hasArchive ? wal : undefined,
      target: targetOf(moment),
      timeline: options.timeline,
      keptOutside,
      programs: postgresPrograms(console.error, settings.postgresBin),
      say: (line) => console.log(`${colors.green('✓')} ${line}`),
    })
    const last = report.last_commit_at
      ? `; its last transaction is of ${report.last_commit_at.toISOString()}`
      : ''
    console.log(`Restored in ${seconds(performance.now() - from)}${last}.`)
    console.log(nextStep(into))
    return 0
  } catch (error) {
    removeStarted(into)
    throw error
  }
})

function targetOf(moment: Date | undefined): RecoveryTarget {
  return moment ? { kind: 'time', time: moment } : { kind: 'end' }
}

function momentOf(text: string): Date {
  const moment = new Date(text)
  // A time without a zone would mean another moment on another machine.
  if (!Number.isNaN(moment.getTime()) && /(Z|[+-]\d\d:?\d\d)$/i.test(text)) return moment
  throw new StackError(
    'refused',
    `"${text}" is no moment: it needs date, time and zone.`,
    `For instance: --to ${new Date().toISOString().slice(0, 19)}Z`,
  )
}

function refuseTaken(into: string): void {
  if (!existsSync(into) || readdirSync(into).length === 0) return
  throw new StackError(
    'refused',
    `${into} is not empty, and a restore never writes over anything.`,
    'Name a folder that does not exist yet, for instance: --into .howdah-restored',
  )
}

/** It was empty or not there when we began, so all that is in it is ours. */
function removeStarted(into: string): void {
  const outside = existsSync(into) ? outsideFolder(into) : undefined
  if (outside) rmSync(outside, { recursive: true, force: true })
  rmSync(into, { recursive: true, force: true })
}

function nextStep(into: string): string {
  if (options.cluster)
    return `${into} is an ordinary data folder now, owned by the user that Postgres runs as.`
  return (
    `Look at it:  HOWDAH_DATA_DIR=${into} npm run db:sql -- "select max(created_at) from core.users"\n` +
    `Serve it:    HOWDAH_DATA_DIR=${into} npm start\n` +
    'Stop the old stack before that: both would send the same mails.'
  )
}
