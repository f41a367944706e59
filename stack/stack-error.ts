/** The one error type of the embedded stack: what was attempted, which value, what to do about it. */

const BRAND = Symbol.for('howdah.StackError')

/** Keys a caller may branch on. */
export type StackErrorCode =
  | 'settings_invalid'
  | 'binary_missing'
  | 'binary_broken'
  | 'os_user_missing'
  | 'data_folder_in_use'
  | 'data_folder_unreachable'
  | 'port_taken'
  | 'start_failed'
  | 'server_unreachable'
  | 'migration_failed'
  | 'refused'
  | 'backup_failed'
  | 'backup_damaged'
  | 'restore_failed'
  | 'erasures_not_replayed'
  | 'container_engine_missing'

/** Raised by everything under stack/. `hint` says what to type or change. */
export class StackError extends Error {
  readonly code: StackErrorCode
  readonly hint: string
  readonly [BRAND] = true

  constructor(code: StackErrorCode, message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'StackError'
    this.code = code
    this.hint = hint
  }

  toJSON(): { code: StackErrorCode; message: string; hint: string } {
    return { code: this.code, message: this.message, hint: this.hint }
  }
}

/** Tells a StackError from any other value, also across two copies of this module. */
export function isStackError(value: unknown): value is StackError {
  return typeof value === 'object' && value !== null && BRAND in value
}
