/** Prints a database comment as a doc comment. */

/** The comment block with a line end, or nothing for an empty text. */
export function printDoc(text: string): string {
  const lines = text
    .replaceAll('*/', '*\\/')
    .split('\n')
    .map((line) => line.trimEnd())
  if (lines.join('') === '') return ''
  if (lines.length === 1) return `/** ${lines[0]} */\n`
  return `/**\n${lines.map((line) => ` *${line === '' ? '' : ` ${line}`}\n`).join('')} */\n`
}
