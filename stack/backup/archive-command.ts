/**
 * The shell lines by which Postgres hands its log to the archive and asks for it again. Segments are kept compressed: one
 * that archive_timeout closed early is mostly zeros.
 */
import { join } from 'node:path'
import { StackError } from '../stack-error.ts'

/** Behind the name of each archived file. */
export const ARCHIVED_SUFFIX = '.gz'

/** At most so much of the log is in no archive yet. */
export const ARCHIVE_TIMEOUT_SECONDS = 60

/**
 * archive_command for a folder. It never overwrites: what is there already is right only if it is the same (Postgres
 * repeats itself after a crash). A file has its name only when it is whole and on the disk; `ln` refuses a taken name.
 * @throws settings_invalid for a path that no shell line can hold
 */
export function archiveCommand(folder: string): string {
  const target = shellPath(join(folder, '%f') + ARCHIVED_SUFFIX)
  const partial = shellPath(join(folder, '.%f.partial'))
  return (
    `if test -e ${target}; then gzip -dc < ${target} | cmp -s - "%p"; ` +
    `else gzip -c < "%p" > ${partial} && sync ${partial} && ln ${partial} ${target} && rm ${partial} ` +
    `&& sync ${shellPath(folder)}; fi`
  )
}

/** restore_command for a folder; a file that is not there is an answer as well, and no line in the log. */
export function restoreCommand(folder: string): string {
  const source = shellPath(join(folder, '%f') + ARCHIVED_SUFFIX)
  return `test -e ${source} && gzip -dc < ${source} > "%p"`
}

/** The settings of a server that archives into a folder. */
export function archiveParameters(folder: string): Record<string, string> {
  return {
    archive_mode: 'on',
    archive_command: archiveCommand(folder),
    archive_timeout: `${ARCHIVE_TIMEOUT_SECONDS}s`,
  }
}

/** Quoted for sh; Postgres itself replaces %p and %f, and takes %% for a per cent sign. */
function shellPath(path: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a line break would end the setting.
  if (/[\0-\x1f]/.test(path)) {
    throw new StackError(
      'settings_invalid',
      `The backup folder ${JSON.stringify(path)} has a control character in its name.`,
      'Choose another folder for HOWDAH_BACKUP_DIR.',
    )
  }
  const literal = path.split('%f').map((part) => part.replaceAll('%', '%%'))
  return `'${literal.join('%f').replaceAll("'", `'\\''`)}'`
}
