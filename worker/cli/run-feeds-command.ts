/** The frame of the feeds:* commands: the database of the stack, the worker's services, errors as key, sentence, hint. */
import pg from 'pg'
import { z } from 'zod'
import { ERROR_CATALOGUE } from '../../sdk/src/generated/errors.ts'
import { withTarget } from '../../stack/db/with-target.ts'
import { urlFor } from '../../stack/provision/target.ts'
import { colors } from '../../stack/terminal/colors.ts'
import { runCommand } from '../../stack/terminal/run-command.ts'
import type { WorkerServices } from '../define-task.ts'
import { createFeedReader } from '../feeds/feed-reader.ts'
import { parseFetchAllow } from '../outgoing/fetch-allow.ts'
import { isWorkerError, type WorkerError } from '../worker-error.ts'

/** Errors that SQL raises on purpose: the message is the key, the detail the sentence. */
const raised = z.object({
  code: z.string().startsWith('PT'),
  message: z.string(),
  detail: z.string().optional(),
  hint: z.string().optional(),
})

/** Runs a command as the worker's role on the running stack's database (or the one HOWDAH_DATABASE_URL names). */
export function runFeedsCommand(command: (services: WorkerServices) => Promise<void>): void {
  runCommand(async (settings) => {
    try {
      await withTarget(settings, async (target) => {
        const pool = new pg.Pool({ connectionString: urlFor(target, 'howdah_worker'), max: 2 })
        await using reader = createFeedReader()
        try {
          const allow = parseFetchAllow(settings.fetchAllow.join(','))
          await command({ pool, reader, allow, dataDir: settings.dataDir })
        } finally {
          await pool.end()
        }
      })
      // What went partly wrong has said so.
      return Number(process.exitCode ?? 0)
    } catch (error) {
      if (!printKnown(error)) throw error
      return 1
    }
  })
}

/** Prints an error of ours and says whether it was one. */
export function printKnown(error: unknown): boolean {
  if (isWorkerError(error)) {
    print(error.key, error.message, byHand(error))
    return true
  }
  const known = raised.safeParse(error)
  if (known.success) print(known.data.message, known.data.detail ?? '', known.data.hint ?? '')
  return known.success
}

/** The catalogue's remedy is for sources the worker fetches by itself; what is typed is tried once. */
function byHand(error: WorkerError): string {
  const isScheduled = error.key === 'feed_unreachable' || error.key === 'feed_timeout'
  if (!isScheduled || error.hint !== ERROR_CATALOGUE[error.key].hint) return error.hint
  return 'Check the address and whether the server is up, then type the command again.'
}

function print(key: string, sentence: string, hint: string): void {
  console.error(`${colors.red('✗')} ${colors.bold(key)}: ${sentence}`)
  if (hint) console.error(`  ${colors.dim('→')} ${hint}`)
}
