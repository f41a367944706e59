/** Shows results of db:sql: tables, or one line a column where a table would be wider than the terminal. */

import type { SqlError, SqlOutcome, SqlResult } from '../db/sql.ts'
import { colors } from './colors.ts'
import { renderTable } from './table.ts'

/** Prints everything; errors go to stderr. */
export function printOutcome(outcome: SqlOutcome): void {
  for (const notice of outcome.notices) console.error(colors.yellow(notice))
  for (const result of outcome.results) console.log(resultText(result))
  if (outcome.error) printSqlError(outcome.error)
}

function resultText(result: SqlResult): string {
  if (result.columns.length === 0) return result.tag
  const count = `(${result.rows.length} row${result.rows.length === 1 ? '' : 's'})`
  const cells = result.rows.map((row) => row.map((value) => value ?? colors.dim('null')))
  const width = process.stdout.isTTY ? (process.stdout.columns ?? 80) : Number.POSITIVE_INFINITY
  if (result.rows.length > 0 && tableWidth(result) > width) return `${records(result, cells)}\n${count}`
  return `${renderTable(result.columns, cells)}\n${count}`
}

function tableWidth({ columns, rows }: SqlResult): number {
  const widest = (index: number) =>
    Math.max(columns[index]?.length ?? 0, ...rows.map((row) => longestLine(row[index] ?? 'null')))
  return columns.reduce((sum, _, index) => sum + widest(index) + 3, 1)
}

function longestLine(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length))
}

function records(result: SqlResult, cells: string[][]): string {
  const label = Math.max(...result.columns.map((column) => column.length))
  return cells
    .map((row, index) => {
      const lines = row.map(
        (value, column) => `${colors.cyan((result.columns[column] ?? '').padEnd(label))}  ${value}`,
      )
      return [colors.dim(`— row ${index + 1}`), ...lines].join('\n')
    })
    .join('\n')
}

function printSqlError(error: SqlError): void {
  console.error(`${colors.red('✗')} ${error.message} ${colors.dim(`(${error.code})`)}`)
  if (error.line) console.error(`  line ${error.line}: ${error.text}`)
  if (error.detail) console.error(`  detail: ${error.detail}`)
  if (error.hint) console.error(`  hint: ${error.hint}`)
}
