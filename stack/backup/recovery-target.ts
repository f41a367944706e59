/** How far the log is replayed, in Postgres' words. */
import { StackError } from '../stack-error.ts'

/** Where to stop: the end of the log, the moment of the backup's own figures, a time, or a named place. */
export type RecoveryTarget =
  | { kind: 'end' }
  | { kind: 'time'; time: Date }
  | { kind: 'restore point'; name: string }
  | { kind: 'lsn'; lsn: string }

/** The settings that make the server stop there and open for writing. */
export function targetParameters(target: RecoveryTarget): Record<string, string> {
  if (target.kind === 'end') return {}
  const where =
    target.kind === 'time'
      ? // At this point of a start the server knows no zones by name, not even Z.
        { recovery_target_time: target.time.toISOString().replace('Z', '+00') }
      : target.kind === 'lsn'
        ? { recovery_target_lsn: target.lsn }
        : { recovery_target_name: target.name }
  return { ...where, recovery_target_action: 'promote' }
}

/** As a person reads it. */
export function targetText(target: RecoveryTarget): string {
  if (target.kind === 'end') return 'the end of the log'
  if (target.kind === 'time') return target.time.toISOString()
  return target.kind === 'lsn' ? target.lsn : `restore point ${target.name}`
}

/** What a server that could not get there says, and what it means. */
export function recoveryFailure(words: string, target: RecoveryTarget): StackError | undefined {
  const where = targetText(target)
  if (/recovery ended before configured recovery target was reached/.test(words)) {
    return new StackError(
      'restore_failed',
      `The log ends before ${where}: the archive holds nothing of that moment.`,
      'Choose an earlier moment, or see whether newer segments of the archive are elsewhere. A server that runs archives ' +
        'its newest transactions within a minute.',
    )
  }
  if (/before consistent recovery point/.test(words)) {
    return new StackError(
      'restore_failed',
      `${where} lies before this backup was finished.`,
      'Choose a later moment, or an older backup: npm run backup:list',
    )
  }
  if (
    /could not locate required checkpoint record|WAL ends before|could not find redo location|invalid checkpoint record/.test(
      words,
    )
  ) {
    return new StackError(
      'backup_damaged',
      'A piece of the log that this backup needs is missing or damaged, so it never becomes consistent.',
      'Use another backup (npm run backup:list), and make a new one: npm run backup:create',
    )
  }
  return undefined
}
