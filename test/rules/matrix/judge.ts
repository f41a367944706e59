/** What is wrong with any answer, whatever was asked. */
import type { Answer } from '../../setup/api.ts'
import { type Cell, excerpt } from './cell.ts'

/** Parts of messages that quote rows or keys. */
const QUOTES = /Failing row contains|Key \(/

/** A write to a view over several tables: Postgres refuses, and PostgREST makes a 500 of it. Nothing happened. */
const VIEW_NOT_WRITABLE = '55000'

/** The cell's own judgement and the oracles that hold for all; undefined when all is well. */
export function judge(cell: Cell, answer: Answer): string | undefined {
  const text = `${JSON.stringify(answer.body)} ${JSON.stringify([...answer.headers])}`
  const leaked = leakedWord(cell, text)
  if (leaked) return `shows ${leaked}, which is somebody else's: ${excerpt(answer)}`
  if (QUOTES.test(text)) return `quotes a row or key in its message: ${excerpt(answer)}`
  if (cell.identity.role === undefined) return cell.judge(answer)
  if (answer.status >= 500 && answer.body?.code !== VIEW_NOT_WRITABLE)
    return `answered ${answer.status}: ${excerpt(answer)}`
  return cell.judge(answer)
}

/** A word of somebody else's in the answer, unless the attacker has sent it. */
function leakedWord(cell: Cell, text: string): string | undefined {
  if (cell.showsAll) return undefined
  const sent = `${decodeURIComponent(cell.path)} ${JSON.stringify(cell.body ?? null)}`
  return cell.identity.forbidden.find((word) => text.includes(word) && !sent.includes(word))
}
