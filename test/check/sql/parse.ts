/** SQL text to statements, with Postgres' own parser (PG 18 grammar). */
import { loadModule, type Node, parseSync, SqlError } from 'libpg-query'
import type { Finding } from './finding.ts'
import type { SqlFile } from './sql-file.ts'

/** One top-level statement. */
export type Statement = {
  /** The parser's name for it, for instance CreateFunctionStmt. */
  kind: string
  node: Node
  line: number
  /** Without the comments above it. */
  text: string
  /** The comment lines directly above it, without `--`. */
  comment: string
}

/** A file the rules can look at. */
export type ParsedFile = SqlFile & { statements: Statement[]; findings: Finding[] }

await loadModule()

/** Parses a file; what the grammar refuses becomes a finding. */
export function parseFile(file: SqlFile): ParsedFile {
  const sql = replacePlaceholders(file.kind === 'committed' ? withoutIncluded(file.text) : file.text)
  try {
    return { ...file, statements: statementsOf(sql), findings: [] }
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    const line = lineAt(sql, error.sqlDetails?.cursorPosition ?? 0)
    return {
      ...file,
      statements: [],
      findings: [{ file: file.path, line, rule: 'syntax', sentence: `${error.message}.` }],
    }
  }
}

/** What graphile-migrate copied from fixtures is judged there; its lines stay, so that numbers stay true. */
export function withoutIncluded(text: string): string {
  return text.replace(/^--! Included (\S+)[\s\S]*?^--! EndIncluded \1/gm, (block) =>
    block.replace(/[^\n]/g, ' '),
  )
}

/** graphile-migrate's `:NAME` becomes `_NAME`, an identifier of the same length. */
function replacePlaceholders(text: string): string {
  return text.replace(/(?<![:\w]):(?=[A-Z][A-Z0-9_]*\b)/g, '_')
}

function statementsOf(sql: string): Statement[] {
  // The parser refuses a text without a statement.
  if (/^(?:\s|--.*|\/\*[\s\S]*?\*\/)*$/.test(sql)) return []
  const bytes = Buffer.from(sql)
  const found: Statement[] = []
  for (const raw of parseSync(sql).stmts ?? []) {
    if (!raw.stmt) continue
    const start = raw.stmt_location ?? 0
    const whole = bytes.subarray(start, raw.stmt_len ? start + raw.stmt_len : undefined).toString()
    const leading = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(whole)?.[0] ?? ''
    const before = bytes.subarray(0, start).toString() + leading
    found.push({
      kind: Object.keys(raw.stmt)[0] ?? 'unknown',
      node: raw.stmt,
      line: lineAt(before, before.length),
      text: whole.slice(leading.length),
      comment: commentAbove(before),
    })
  }
  return found
}

/** Only what touches the statement: a blank line ends the comment. */
function commentAbove(before: string): string {
  const lines = before.split('\n').slice(0, -1)
  const touching = lines.slice(lines.findLastIndex((line) => !line.trim().startsWith('--')) + 1)
  return touching.map((line) => line.trim().replace(/^--\s?/, '')).join('\n')
}

/** The line (from 1) that a position of the text is in. */
export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length
}
