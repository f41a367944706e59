/** Small tables: boxed on a terminal that is wide enough, aligned plain columns elsewhere (logs, pipes). */
import { stripVTControlCharacters } from 'node:util'
import Table from 'cli-table3'

const NO_BORDERS = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
  ].map((part) => [part, '']),
)

/** Renders rows under a heading (none: an empty list). */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (process.stdout.isTTY) {
    const boxed = draw(head, rows, { style: { head: ['cyan'], border: ['gray'], compact: true } })
    if (widthOf(boxed) <= (process.stdout.columns || Number.POSITIVE_INFINITY)) return boxed
  }
  const plain = draw(head, rows, {
    style: { head: [], border: [], 'padding-left': 0 },
    chars: { ...NO_BORDERS, middle: ' ' },
  })
  return plain.replace(/[ \t]+$/gm, '')
}

function draw(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  options: Table.TableConstructorOptions,
): string {
  const table = new Table({ head: [...head], ...options })
  for (const row of rows) table.push([...row])
  return table.toString()
}

function widthOf(text: string): number {
  return Math.max(...text.split('\n').map((line) => stripVTControlCharacters(line).length))
}
