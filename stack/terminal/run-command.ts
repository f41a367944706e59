/** The frame of every command line: errors become a sentence and exit code 1. */
import { readSettings, type Settings } from '../settings.ts'
import { printError } from './print-error.ts'

/** Runs a command and sets the exit code to what it returns (nothing means 0). */
export function runCommand(command: (settings: Settings) => Promise<number | undefined>): void {
  const work = async () => command(readSettings(process.env))
  work().then(
    (code) => {
      process.exitCode = code ?? 0
    },
    (error: unknown) => {
      printError(error)
      process.exitCode = 1
    },
  )
}
