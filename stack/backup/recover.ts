/**
 * Replays the log of a restored data folder behind a closed door: the server listens on no port, only on a socket in a
 * folder that nobody else can enter, and asks for no password there. What has to happen before anybody else comes in
 * happens now; then it stops cleanly, and the folder is an ordinary data folder.
 */
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { launchPostgres, type RunningServer } from '../postgres/launch.ts'
import { isStackError } from '../stack-error.ts'
import { restoreCommand } from './archive-command.ts'
import type { BackupManifest } from './manifest.ts'
import type { Programs } from './programs.ts'
import { type RecoveryTarget, recoveryFailure, targetParameters } from './recovery-target.ts'
import { removeAtExit } from './remove-at-exit.ts'

/** A day: the log of a month may be long. */
const READY_TIMEOUT_MS = 24 * 60 * 60 * 1000
/** Any number: it only names the socket. */
const SOCKET_PORT = 5432
/** Long paths break sockets (107 bytes), so not below the data folder or TMPDIR. */
const SOCKET_PARENT = '/tmp'

/** What to replay. */
export type Recovery = {
  /** The restored data folder. */
  folder: string
  manifest: BackupManifest
  programs: Programs
  target: RecoveryTarget
  /** Where archived segments are; without it only those inside the backup are replayed. */
  walArchive?: string | undefined
  /** For instance 'latest'. (Default: 'current', the backup's own; another restored copy may have begun a newer one) */
  timeline?: string | undefined
  /** True for a copy that is thrown away. (Default: false) */
  isThrowaway?: boolean
  log?: ((line: string) => void) | undefined
}

/**
 * Recovers, calls `work` with the superuser's URL, and stops the server.
 * @throws restore_failed, backup_damaged, start_failed; what `work` throws
 */
export async function recover<T>(what: Recovery, work: (adminUrl: string) => Promise<T>): Promise<T> {
  const { user } = what.programs
  const closet = mkdtempSync(join(SOCKET_PARENT, 'howdah-'))
  const finished = removeAtExit(closet)
  try {
    for (const [name, text] of [
      ['postgresql.conf', ''],
      ['pg_hba.conf', 'local all all trust\n'],
      ['pg_ident.conf', ''],
    ] as const) {
      writeFileSync(join(closet, name), text, { mode: 0o600 })
      if (user) chownSync(join(closet, name), user.uid, user.gid)
    }
    if (user) chownSync(closet, user.uid, user.gid)
    writeFileSync(join(what.folder, 'recovery.signal'), '', { mode: 0o600 })
    if (user) chownSync(join(what.folder, 'recovery.signal'), user.uid, user.gid)
    const server = await launch(what, closet)
    const login = encodeURIComponent(what.manifest.superuser)
    try {
      return await work(
        `postgres://${login}@${encodeURIComponent(closet)}:${SOCKET_PORT}/${encodeURIComponent(what.manifest.database)}`,
      )
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(closet, { recursive: true, force: true })
    finished()
  }
}

async function launch(what: Recovery, closet: string): Promise<RunningServer> {
  const { binaries, user } = what.programs
  try {
    return await launchPostgres({
      folder: what.folder,
      binaries,
      user,
      port: SOCKET_PORT,
      parameters: parametersOf(what, closet),
      readyTimeoutMs: READY_TIMEOUT_MS,
      ...(what.log ? { log: what.log } : {}),
    })
  } catch (error) {
    throw (isStackError(error) && recoveryFailure(error.message, what.target)) || error
  }
}

/** On the command line, so that nothing the copied configuration says can open a door or write into the old archive. */
function parametersOf(what: Recovery, closet: string): Record<string, string> {
  return {
    config_file: join(closet, 'postgresql.conf'),
    hba_file: join(closet, 'pg_hba.conf'),
    ident_file: join(closet, 'pg_ident.conf'),
    listen_addresses: '',
    unix_socket_directories: closet,
    unix_socket_permissions: '0700',
    ssl: 'off',
    logging_collector: 'off',
    log_destination: 'stderr',
    external_pid_file: '',
    shared_preload_libraries: '',
    // Without it no other setting has to be as large as on the server that was copied.
    hot_standby: 'off',
    max_prepared_transactions: '100',
    wal_level: 'replica',
    // What a new timeline begins with is kept for the archive that the next start names.
    archive_mode: what.isThrowaway ? 'off' : 'on',
    archive_command: '',
    archive_library: '',
    primary_conninfo: '',
    recovery_target_timeline: what.timeline ?? 'current',
    restore_command: what.walArchive ? restoreCommand(what.walArchive) : 'false',
    ...(what.isThrowaway ? { fsync: 'off', full_page_writes: 'off' } : {}),
    ...targetParameters(what.target),
  }
}
