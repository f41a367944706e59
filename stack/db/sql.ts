/** db:sql: runs what an operator types, as howdah_migrations, and gives back text to print. */
import pg from 'pg'
import { type Target, urlFor } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'

/** One statement's result; values as Postgres itself prints them, null as null. */
export type SqlResult = {
  columns: string[]
  rows: (string | null)[][]
  /** For instance "INSERT 3", for statements that return no rows. */
  tag: string
}

/** A database error with what a person needs to find it. */
export type SqlError = {
  code: string
  message: string
  detail?: string
  hint?: string
  line?: number
  text?: string
}

/** What running the text came to. Several statements count as one transaction unless the text says begin itself. */
export type SqlOutcome = { results: SqlResult[]; notices: string[]; error?: SqlError }

const AS_TEXT = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig

/** Runs the text. A refusal by the database is an outcome; not reaching it is thrown. */
export function runSql(target: Target, text: string): Promise<SqlOutcome> {
  return withClient(urlFor(target, 'howdah_migrations'), async (client) => {
    const notices: string[] = []
    client.on('notice', (notice) => notices.push(`${notice.severity}: ${notice.message}`))
    try {
      const answer = await client.query<(string | null)[]>({ text, rowMode: 'array', types: AS_TEXT })
      const results = Array.isArray(answer) ? (answer as (typeof answer)[]) : [answer]
      return { results: results.map(toResult), notices }
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error
      return { results: [], notices, error: toError(error, text) }
    }
  })
}

function toResult(result: pg.QueryArrayResult<(string | null)[]>): SqlResult {
  const columns = result.fields.map((field) => field.name)
  const tag = [result.command, result.rowCount].filter((part) => part !== null && part !== '').join(' ')
  return { columns, rows: result.rows, tag }
}

function toError(error: pg.DatabaseError, text: string): SqlError {
  const line = error.position ? text.slice(0, Number(error.position) - 1).split('\n').length : undefined
  return {
    code: error.code ?? '',
    message: error.message,
    ...(error.detail ? { detail: error.detail } : {}),
    ...(error.hint ? { hint: error.hint } : {}),
    ...(line ? { line, text: text.split('\n')[line - 1]?.trim() ?? '' } : {}),
  }
}
