/** Small tables: boxed on a terminal, aligned plain columns elsewhere (logs, pipes). */
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
  const isTerminal = process.stdout.isTTY
  const table = new Table({
    head: [...head],
    style: isTerminal
      ? { head: ['cyan'], border: ['gray'], compact: true }
      : { head: [], border: [], 'padding-left': 0 },
    ...(isTerminal ? {} : { chars: { ...NO_BORDERS, middle: ' ' } }),
  })
  for (const row of rows) table.push([...row])
  return isTerminal ? table.toString() : table.toString().replace(/[ \t]+$/gm, '')
}
