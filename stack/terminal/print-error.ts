/** How a command ends badly: the sentence, then what to do. The only place that logs errors. */

import { isStackError } from '../stack-error.ts'
import { colors } from './colors.ts'

/** Prints an error to stderr. A stack trace only for what nobody expected. */
export function printError(error: unknown): void {
  if (isStackError(error)) {
    console.error(`${colors.red('✗')} ${error.message}`)
    console.error(`  ${colors.dim('→')} ${error.hint.split('\n').join('\n    ')}`)
    return
  }
  console.error(`${colors.red('✗')} Something unexpected went wrong. Please report it with the lines below.`)
  console.error(error)
}
