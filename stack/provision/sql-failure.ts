/** A database error told with the file and line it points at. */
import { StackError } from '../stack-error.ts'

type DatabaseError = {
  message?: string
  /** In characters of the text that was sent, from 1. */
  position?: string
  /** The same within internalQuery, for instance a function's body. */
  internalPosition?: string
  internalQuery?: string
  detail?: string
  hint?: string
  where?: string
}

/**
 * The error of running `sql`, whose text came from `file` and what it includes.
 * @param what for instance "Applying the open migration"
 * @param remedy what to do, after the hint of Postgres if it gave one
 */
export function sqlFailure(
  what: string,
  file: string,
  sql: string,
  cause: unknown,
  remedy = 'Correct the SQL and run the command again; what failed was rolled back whole.',
): StackError {
  const error = cause as DatabaseError
  const position = positionIn(sql, error)
  const place = position === undefined ? undefined : placeOf(sql, position, file)
  const parts = [
    `${what} failed${place ? ` at ${place.file}:${place.line}` : ` (${file})`}: ${error.message}`,
    place && `  ${place.text}`,
    error.detail,
    // Where in which function, for errors raised inside one.
    !place && error.where?.split('\n').slice(0, 3).join('\n'),
  ]
  return new StackError(
    'migration_failed',
    parts.filter(Boolean).join('\n'),
    error.hint ? `${error.hint}\n${remedy}` : remedy,
    { cause },
  )
}

/** An error inside a function's body points into that body, which stands somewhere in the text we sent. */
function positionIn(sql: string, error: DatabaseError): number | undefined {
  if (error.position) return Number(error.position)
  if (!error.internalQuery || !error.internalPosition) return undefined
  const start = sql.indexOf(error.internalQuery)
  return start === -1 ? undefined : start + Number(error.internalPosition)
}

/** The line a position (in characters, from 1) is on, in the file graphile-migrate included it from. */
function placeOf(sql: string, position: number, file: string): { file: string; line: number; text: string } {
  const lines = sql.slice(0, position - 1).split('\n')
  const text = sql.split('\n')[lines.length - 1]?.trim() ?? ''
  const open: { file: string; line: number }[] = [{ file, line: 0 }]
  for (const line of lines) {
    const included = /^--! (Included|EndIncluded) (.*)$/.exec(line)
    if (included?.[1] === 'EndIncluded') open.pop()
    else {
      const current = open.at(-1)
      if (current) current.line++
      if (included?.[2]) open.push({ file: `migrations/fixtures/${included[2]}`, line: 0 })
    }
  }
  return { ...(open.at(-1) ?? { file, line: lines.length }), text }
}
