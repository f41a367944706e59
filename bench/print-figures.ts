/** What a bench found, against its targets: one table, and an exit code that says whether they were met. */
import { renderTable } from '../stack/terminal/table.ts'

/** A line of the table. Without a target there is nothing to meet. */
export type Figure = { what: string; found: string; target?: string; isOk?: boolean }

/** Prints the table. @returns the exit code: 1 when a target was missed */
export function printFigures(figures: Figure[]): number {
  const mark = ({ isOk }: Figure) => (isOk === undefined ? '' : isOk ? '✓' : '✗')
  console.log(
    renderTable(
      ['', 'what', 'found', 'target'],
      figures.map((figure) => [mark(figure), figure.what, figure.found, figure.target ?? '']),
    ),
  )
  return figures.some(({ isOk }) => isOk === false) ? 1 : 0
}
