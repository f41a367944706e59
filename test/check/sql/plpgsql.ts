/** What the bodies of plpgsql functions and `do` blocks say: the parser's own errors, and what runs in them. */
import { parsePlPgSQLSync, parseSync } from 'libpg-query'
import { functionOptions, walk } from './ast.ts'
import type { ParsedFile, Statement } from './parse.ts'

/**
 * An expression or statement inside a body. `plpgsql` is the parser's name for where it stands; `isDynamic` where its
 * value is run as a statement, or is a parameter of one: execute, for … in execute, return query execute, open … for execute.
 */
export type Embedded = { plpgsql: string; sql: string; line: number; isDynamic: boolean }

const DYNAMIC = new Set(['PLpgSQL_stmt_dynexecute', 'PLpgSQL_stmt_dynfors'])

/** The body of a statement, or why it cannot be parsed; undefined when it has no plpgsql body. */
export function plpgsqlBody(statement: Statement): { tree: unknown } | { error: string } | undefined {
  const { node } = statement
  const isBody =
    'DoStmt' in node ||
    ('CreateFunctionStmt' in node && functionOptions(node.CreateFunctionStmt).language === 'plpgsql')
  if (!isBody) return undefined
  try {
    return { tree: parsePlPgSQLSync(statement.text) }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

/** Every expression of every plpgsql body of a file. */
export function embeddedIn(file: ParsedFile): Embedded[] {
  return file.statements.flatMap((statement) => {
    const body = plpgsqlBody(statement)
    if (!body || !('tree' in body)) return []
    const bodyLine =
      statement.line + (statement.text.slice(0, bodyStart(statement.text)).split('\n').length - 1)
    const found: Embedded[] = []
    walk(body.tree, (kind, node) => {
      if (!kind.startsWith('PLpgSQL_stmt_')) return
      const line = bodyLine + (Number(node['lineno'] ?? 1) - 1)
      const isDynamic = DYNAMIC.has(kind) || 'dynquery' in node
      for (const sql of ownExpressions(node)) found.push({ plpgsql: kind, sql, line, isDynamic })
    })
    return found
  })
}

/** Expressions of this statement, not of the statements nested in it. */
function ownExpressions(node: Record<string, unknown>): string[] {
  const found: string[] = []
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) collect(item)
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        if (key === 'PLpgSQL_expr') found.push(String((inner as { query?: unknown }).query ?? ''))
        else if (!key.startsWith('PLpgSQL_stmt_')) collect(inner)
      }
    }
  }
  collect(node)
  return found
}

function bodyStart(text: string): number {
  const opening = /\$(\w*)\$/.exec(text)
  return opening ? opening.index + opening[0].length : 0
}

/** Parses an embedded expression: a bare one gets a `select` in front, an assignment loses its left side. */
export function parseEmbedded(sql: string): unknown {
  for (const attempt of [sql, `select ${sql}`, `select ${sql.replace(/^[^:=]*:?=/, '')}`]) {
    try {
      return parseSync(attempt)
    } catch {
      // Not this form; the last attempt decides.
    }
  }
  return undefined
}
